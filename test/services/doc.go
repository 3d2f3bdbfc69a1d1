// Package services runs the real services that tests need, privately: Postgres
// with replicas, Redis alone and as a cluster, RabbitMQ. They listen on loopback
// only, run as nobody where the tests run as root, keep their data in a temporary
// folder, and end with who started them, whatever happens to it. Debian packages
// that are missing are installed where that is allowed (root).
//
// A test takes a part of a shared server, which is its alone and goes with it:
//
//	db := services.Postgres(t)     // a fresh, empty database
//	k := services.Redis(t)         // keys under k.Prefix(); others are refused
//	v := services.RabbitMQ(t)      // a fresh virtual host
//
// or has a server of its own, to torment:
//
//	pg := services.OwnPostgres(t)  // likewise OwnRedis, OwnRedisCluster, OwnRabbitMQ
//	pg.Crash()                     // also Freeze, Thaw, Shutdown
//	pg.Restart(t)                  // same port, same data
//	pg, err := SmallPostgres(t)    // and pg.Fill(t), pg.MakeRoom(t): a disk that is full
//	replica := pg.Replica(t)       // and replica.Promote(t), replica.Lag(t, time.Minute)
//
// A Network has hosts of their own for programs, which can be cut off from each
// other and from servers.
//
// # Who owns what
//
// A run is a process that holds the shared servers. Test binaries ask it over a
// Unix socket for parts, and it starts each service when it is first asked for,
// so that nobody waits for a broker that no test uses. Command services, and with
// it make test, holds one run around any command and all test binaries below it.
// A lone test binary starts a second process of itself to hold a run: several
// binaries of one lone go test ./... each have their own, since none of them
// knows that it is the last. Servers of a test's own are children of its test
// binary; only the directory that Postgres starts from is the run's.
//
// # How everything ends
//
// In order: a part with its test, an own server with its test, the shared ones
// with the command or, alone, with the test binary. Out of order: every server
// gets a death signal from the kernel when the thread that started it ends, and
// is the first process of a PID namespace where that is allowed, so that its
// children die with it even when they are frozen. A run that is killed -9 takes
// its command along by the same signal, that takes the test binaries and those
// take their servers. A folder is locked by its maker for as long as that lives;
// whoever makes the next one, and every run at its end, removes those that are
// not and ends what still works in them. So nothing runs on, and what a kill -9
// leaves on disk is gone with the next test.
package services
