# SPDX-License-Identifier: ISC
EXTRA_DIST += \
	examples/blog-service examples/blog.rl \
	examples/clock-service examples/clock.rl \
	examples/home.conf \
	examples/http-service \
	examples/main.conf \
	examples/notes-service examples/notes.rl \
	examples/unix-service
