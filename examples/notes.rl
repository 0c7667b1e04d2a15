# Short notes as a service of a home:
#
#	relay examples/notes.rl -connect ws://127.0.0.1:8080

service "notes" {
	version "1.0.0"
	methods {
		"add"
		"list" { idempotent yes timeout 5s }
	}
	exec "./notes-service"
	timeout 10s
}
