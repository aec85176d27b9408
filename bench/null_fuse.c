/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of bench/run-trace: a file of zeros of $2 bytes at $1, whose daemon answers each
 * request at once and does nothing.  What a program takes that waits for each of N requests no
 * traced folder can take less for.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* So long it looks out for the next request, as bmapfs does. */
#define WATCH_NSEC 30000

static off_t size;
static char zeros[1 << 20];

static void on_init(void *opaque, struct fuse_conn_info *connection)
{
	(void)opaque;
	connection->max_readahead = 0;
}

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	const struct stat st = {
		.st_ino = inode,
		.st_mode = S_IFREG | 0600,
		.st_nlink = 1,
		.st_size = size,
	};

	(void)file;
	fuse_reply_attr(request, &st, 1);
}

static void on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	file->direct_io = 1;
	fuse_reply_open(request, file);
}

static void on_read(fuse_req_t request, fuse_ino_t inode, size_t len, off_t offset,
		    struct fuse_file_info *file)
{
	(void)inode;
	(void)offset;
	(void)file;
	fuse_reply_buf(request, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

static void on_write(fuse_req_t request, fuse_ino_t inode, const char *data, size_t len,
		     off_t offset, struct fuse_file_info *file)
{
	(void)inode;
	(void)data;
	(void)offset;
	(void)file;
	fuse_reply_write(request, len);
}

static const struct fuse_lowlevel_ops operations = {
	.init = on_init,
	.getattr = on_getattr,
	.open = on_open,
	.read = on_read,
	.write = on_write,
};

static long long now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void serve(struct fuse_session *session)
{
	struct pollfd device = {.fd = fuse_session_fd(session), .events = POLLIN};
	struct fuse_buf request = {0};
	long long answered_nsec = 0;

	fcntl(device.fd, F_SETFL, O_NONBLOCK);
	while (!fuse_session_exited(session)) {
		int r = fuse_session_receive_buf(session, &request);

		if (r > 0) {
			fuse_session_process_buf(session, &request);
			answered_nsec = now_nsec();
		} else if (r != -EAGAIN && r != -EINTR) {
			break;
		} else if (now_nsec() - answered_nsec > WATCH_NSEC) {
			poll(&device, 1, -1);
		}
	}
	free(request.mem);
}

int main(int argc, char **argv)
{
	char *words[] = {argv[0], NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, words);
	struct fuse_session *session;

	if (argc != 3)
		return 2;
	size = atoll(argv[2]);
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session || fuse_session_mount(session, argv[1]) != 0 || fuse_daemonize(0) != 0)
		return 1;
	serve(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	return 0;
}
