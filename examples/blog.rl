# A blog as a service of a home:
#
#	relay examples/blog.rl -connect ws://127.0.0.1:8080

service "blog_service" {
	version "1.0.0"
	methods {
		"create_post"
		"get_post" { idempotent yes timeout 5s }
		"list_posts" { idempotent yes timeout 5s }
	}
	# Line JSON-RPC 2.0 on standard input and output.
	exec "./blog-service"
	timeout 10s
}
