// Package services runs the real services that tests need, privately: Postgres
// with replicas, Redis alone and as a cluster, RabbitMQ. They listen on loopback
// only, run as nobody where the tests run as root, and end with the process that
// started them, whatever happens to it.
//
// A run of many test binaries starts the shared services once (command services,
// used by make test) and hands their addresses down in the environment. A lone
// go test starts its own at first use.
//
//	db := services.Postgres(t)           // a fresh database on the shared server
//	pg := services.OwnPostgres(t)        // a server of the test's own, to torment
//	pg.Crash(); pg.Restart(t)
package services
