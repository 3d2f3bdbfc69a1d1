// Package rabbitmq publishes events to RabbitMQ, and takes those of a queue.
//
// Consume has a connection of its own. A message is acknowledged once its event was
// taken; what was not goes back to the queue, and so does all that is under way when
// the connection ends. A broker that falls silent is noticed by its heartbeat.
//
// One connection, made when it is first needed and anew after each failure, has a
// channel for each lane. A batch has been taken when the broker has confirmed all
// of it. No call waits longer than its time-out: when that ends, the connection is
// cut, which ends whatever waits for it. Who comes too late for a confirm publishes
// again, so that consumers may get an event twice, under one id.
//
// Messages are mandatory: the broker returns those that no queue wants. Of the
// types that must have a queue this means that somebody has removed it; what
// belongs there is then declared again, before the next batch.
//
// What is declared is durable and of the broker's default type. A classic queue is
// all that a single broker can make use of, and one that is killed soon after it
// has declared a quorum queue may be left with one that has no leader. For a
// cluster of brokers make the queues quorum queues beforehand, or by the virtual
// host's default queue type: what is there already is taken as it is.
package rabbitmq
