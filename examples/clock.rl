# The time of day as a service of a home, in shell:
#
#	relay examples/clock.rl -connect ws://127.0.0.1:8080

service "clock" {
	version "1.0.0"
	methods {
		"now" { idempotent yes timeout 5s }
		"zone" { idempotent yes timeout 5s }
	}
	exec "./clock-service"
	timeout 10s
}
