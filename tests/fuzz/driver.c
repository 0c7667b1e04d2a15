/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target without libFuzzer: each file of a corpus as it is, then
 * a bounded number of mutations of them.  The same seed makes the same
 * inputs, so that a failure comes again.
 *
 *	fuzz_X [-n runs] [-s seed] [-m max] [-o last] file|directory ...
 *
 * -o names a file that holds the present input while a run lasts: what is
 * left in it after a crash is the input to look at.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX	(1U << 20)	/* bytes of a file of the corpus */
#define MUTATIONS_MAX	8		/* stacked on one input */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct input {
	uint8_t	*data;
	size_t	 len;
};

struct driver {
	struct input	*inputs;
	size_t		 n;
	uint64_t	 rng;
	size_t		 max;		/* bytes of a mutated input */
	uint8_t		*last;		/* mapped copy of the present one */
	const char	*last_path;
};

/* Marsaglia's xorshift64*: any generator does, if it is always the same. */
static uint64_t
rnd(struct driver *d)
{
	d->rng ^= d->rng >> 12;
	d->rng ^= d->rng << 25;
	d->rng ^= d->rng >> 27;
	return (d->rng * 0x2545f4914f6cdd1dULL);
}

static size_t
below(struct driver *d, size_t n)
{
	return (n == 0 ? 0 : (size_t)(rnd(d) % n));
}

/*
 * Hand over a copy of exactly that size: the byte behind it is then not ours
 * and a sanitizer sees it read.
 */
static void
run_one(struct driver *d, const uint8_t *data, size_t len)
{
	uint8_t	*copy;

	if (d->last != NULL) {
		memcpy(d->last, data, len);
		if (truncate(d->last_path, (off_t)len) == -1)
			err(1, "%s", d->last_path);
	}
	if ((copy = malloc(len > 0 ? len : 1)) == NULL)
		err(1, NULL);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	if (d->last != NULL && truncate(d->last_path, INPUT_MAX) == -1)
		err(1, "%s", d->last_path);
}

static void
add_file(struct driver *d, const char *path)
{
	struct input	*in;
	FILE		*f;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	d->inputs = reallocarray(d->inputs, d->n + 1, sizeof(*d->inputs));
	if (d->inputs == NULL)
		err(1, NULL);
	in = &d->inputs[d->n++];
	if ((in->data = malloc(INPUT_MAX)) == NULL)
		err(1, NULL);
	in->len = fread(in->data, 1, INPUT_MAX, f);
	if (ferror(f))
		err(1, "%s", path);
	fclose(f);
	if ((in->data = realloc(in->data, in->len + 1)) == NULL)
		err(1, NULL);
}

static void
add_path(struct driver *d, const char *path)
{
	struct dirent	**names;
	struct stat	 st;
	char		*sub;
	int		 i, n;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(d, path);
		return;
	}
	/* Sorted: the order decides what a seed makes. */
	if ((n = scandir(path, &names, NULL, alphasort)) == -1)
		err(1, "%s", path);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			if (asprintf(&sub, "%s/%s", path,
			    names[i]->d_name) == -1)
				err(1, NULL);
			add_path(d, sub);
			free(sub);
		}
		free(names[i]);
	}
	free(names);
}

/* Values at which lengths, counts and characters change their meaning. */
static const uint8_t edges[] = {
	0, 1, 2, 9, 10, 13, 32, 34, 44, 47, 58, 91, 92, 93, 123, 125, 126,
	127, 128, 191, 192, 224, 240, 244, 254, 255
};

/* Make room for n bytes at off, or drop that many; returns the new length. */
static size_t
resize_at(uint8_t *buf, size_t len, size_t off, size_t drop, size_t add)
{
	memmove(buf + off + add, buf + off + drop, len - off - drop);
	return (len - drop + add);
}

/* A piece of any input, put into or over this one. */
static size_t
take(struct driver *d, uint8_t *buf, size_t len)
{
	const struct input	*from = &d->inputs[below(d, d->n)];
	size_t			 src = below(d, from->len + 1);
	size_t			 off = below(d, len + 1);
	size_t			 n = below(d, from->len - src + 1);
	size_t			 drop = 0;

	if (n > 64 && below(d, 4) != 0)
		n = 1 + below(d, 64);
	if (below(d, 2) == 0)
		drop = n < len - off ? n : len - off;
	if (len - drop + n > d->max)
		return (len);
	len = resize_at(buf, len, off, drop, n);
	memcpy(buf + off, from->data + src, n);
	return (len);
}

static size_t
mutate_once(struct driver *d, uint8_t *buf, size_t len)
{
	size_t	 off = below(d, len), n, to;

	if (len == 0 || below(d, 4) == 0)
		return (take(d, buf, len));
	switch (below(d, 7)) {
	case 0:
		buf[off] ^= (uint8_t)(1U << below(d, 8));
		break;
	case 1:
		buf[off] = edges[below(d, sizeof(edges))];
		break;
	case 2:
		buf[off] = (uint8_t)rnd(d);
		break;
	case 3:
		buf[off] = (uint8_t)(buf[off] + (below(d, 2) ? 1 : -1));
		break;
	case 4:				/* drop */
		n = 1 + below(d, len - off < 16 ? len - off : 16);
		len = resize_at(buf, len, off, n, 0);
		break;
	case 5:				/* repeat */
		n = 1 + below(d, len - off < 32 ? len - off : 32);
		if (len + n > d->max)
			break;
		to = off + n;
		len = resize_at(buf, len, to, 0, n);
		memcpy(buf + to, buf + off, n);
		break;
	case 6:				/* cut */
		len = off;
		break;
	}
	return (len);
}

static void
mutate(struct driver *d, uint8_t *buf)
{
	const struct input	*in = &d->inputs[below(d, d->n)];
	size_t			 len, i, rounds = 1 + below(d, MUTATIONS_MAX);

	len = in->len < d->max ? in->len : d->max;
	memcpy(buf, in->data, len);
	for (i = 0; i < rounds; i++)
		len = mutate_once(d, buf, len);
	run_one(d, buf, len);
}

static void
open_last(struct driver *d, const char *path)
{
	int	 fd;

	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1 || ftruncate(fd, INPUT_MAX) == -1)
		err(1, "%s", path);
	d->last = mmap(NULL, INPUT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (d->last == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	d->last_path = path;
}

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: fuzz [-n runs] [-s seed] [-m max] [-o last] "
	    "file|directory ...\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct driver	 d = { .rng = 1, .max = 16384 };
	unsigned long	 runs = 0, i;
	uint8_t		*buf;
	int		 ch;

	while ((ch = getopt(argc, argv, "m:n:o:s:")) != -1)
		switch (ch) {
		case 'm':
			d.max = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			runs = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			open_last(&d, optarg);
			break;
		case 's':
			d.rng = strtoull(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	if (optind == argc || d.rng == 0 || d.max == 0 || d.max > INPUT_MAX)
		usage();
	for (; optind < argc; optind++)
		add_path(&d, argv[optind]);
	if (d.n == 0)
		errx(1, "the corpus is empty");
	for (i = 0; i < d.n; i++)
		run_one(&d, d.inputs[i].data, d.inputs[i].len);
	if ((buf = malloc(d.max + 1)) == NULL)
		err(1, NULL);
	for (i = 0; i < runs; i++)
		mutate(&d, buf);
	printf("%zu files, %lu mutations\n", d.n, runs);
	if (d.last_path != NULL)
		unlink(d.last_path);
	free(buf);
	for (i = 0; i < d.n; i++)
		free(d.inputs[i].data);
	free(d.inputs);
	return (0);
}
