/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "unit.h"

/* How many names there are in the working directory. */
static size_t count_files(void)
{
	DIR *dir = opendir(".");
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

START_TEST(reads_are_whole_and_end_at_the_end)
{
	struct bytes bytes = bytes_random(5000, 1);
	uint8_t buf[8192];
	int fd;

	write_file("f", bytes);
	fd = open("f", O_RDONLY);
	ck_assert_int_eq(fd_pread_full(fd, buf, 100, 4950), 50);
	ck_assert_mem_eq(buf, bytes.data + 4950, 50);
	ck_assert_int_eq(fd_pread_full(fd, buf, 100, 5000), 0);
	ck_assert_int_eq(fd_read_full(fd, buf, sizeof(buf)), 5000);
	ck_assert_mem_eq(buf, bytes.data, 5000);
	close(fd);
	ck_assert_int_eq(fd_read_full(fd, buf, 1), -EBADF);
	ck_assert_int_eq(fd_pread_full(fd, buf, 1, 0), -EBADF);
}
END_TEST

START_TEST(short_reads_of_a_pipe_are_completed)
{
	struct bytes bytes = bytes_random(300000, 2); /* more than a pipe holds */
	struct bytes read = bytes_zeros(bytes.len);
	int fd = pipe_of(bytes, false);

	ck_assert_int_eq(fd_read_full(fd, read.data, read.len), (ssize_t)bytes.len);
	ASSERT_BYTES(read, bytes);
	close(fd);
}
END_TEST

START_TEST(writes_fail_with_their_errno)
{
	int full = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(fd_write_full(full, "x", 1), -ENOSPC);
	close(full);
	ck_assert_int_eq(fd_pwrite_full(full, "x", 1, 0), -EBADF);
}
END_TEST

START_TEST(positioned_writes_leave_a_hole)
{
	int fd = open("f", O_RDWR | O_CREAT, 0666);
	struct bytes read;

	ck_assert_int_eq(fd_pwrite_full(fd, "end", 3, 10), 0);
	close(fd);
	read = read_file("f");
	ASSERT_BYTES(read, bytes_join(bytes_zeros(10), bytes_of("end")));
}
END_TEST

START_TEST(memory_file_is_inherited)
{
	int fd = fd_memory_file("m", "abc", 3);
	char buf[4] = "";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fd_pread_full(fd, buf, 4, 0), 3);
	ck_assert_str_eq(buf, "abc");
	close(fd);
	fd = fd_memory_file("m", NULL, 0);
	ck_assert_int_eq(fd_pread_full(fd, buf, 4, 0), 0);
	close(fd);
}
END_TEST

START_TEST(small_files_are_read_to_their_end)
{
	static const size_t lens[] = {0, 1, 4095, 4096, 4097, 100000};

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct bytes bytes = bytes_random(lens[i], 3);
		size_t len = 0;
		char *text = NULL;
		int fd;

		write_file("f", bytes);
		fd = open("f", O_RDONLY);
		ck_assert_int_eq(fd_read_text(fd, &text, &len, 1 << 20), 0);
		ASSERT_BYTES(((struct bytes){(uint8_t *)text, len}), bytes);
		ck_assert_int_eq(text[len], '\0');
		free(text);
		close(fd);
	}
}
END_TEST

START_TEST(read_is_bounded)
{
	static const size_t lens[] = {11, 4096, 4097, 8192, 1 << 20};
	static const size_t limits[] = {10, 10, 4096, 5000, 64 << 10};

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		char *text = NULL;
		size_t len = 7;
		int fd;

		write_file("f", bytes_text(lens[i]));
		fd = open("f", O_RDONLY);
		ck_assert_msg(fd_read_text(fd, &text, &len, limits[i]) == -EFBIG,
			      "%zu bytes were read where %zu are allowed", lens[i], limits[i]);
		ck_assert_ptr_null(text);
		ck_assert_uint_eq(len, 7);
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
		ck_assert_int_eq(fd_read_text(fd, &text, &len, lens[i]), 0);
		ck_assert_uint_eq(len, lens[i]);
		free(text);
		close(fd);
	}
}
END_TEST

START_TEST(new_file_has_the_usual_mode)
{
	struct bmap_error err = {0};
	struct stat st;

	umask(027);
	OK(fd_replace_file("new", "text", 4, &err));
	ck_assert_int_eq(stat("new", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ASSERT_BYTES(read_file("new"), bytes_of("text"));
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(replaced_file_keeps_its_mode_and_is_another)
{
	struct bmap_error err = {0};
	struct stat before, after;
	char old[4] = "";
	int fd;

	write_file("f", bytes_of("old"));
	ck_assert_int_eq(chmod("f", 0604), 0);
	stat("f", &before);
	fd = open("f", O_RDONLY);
	OK(fd_replace_file("f", "longer", 6, &err));
	stat("f", &after);
	ck_assert_int_eq(after.st_mode & 07777, 0604);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	/* Whoever has the old one open still reads it whole. */
	ck_assert_int_eq(fd_pread_full(fd, old, 3, 0), 3);
	ck_assert_str_eq(old, "old");
	close(fd);
	ASSERT_BYTES(read_file("f"), bytes_of("longer"));
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(links_are_followed)
{
	struct bmap_error err = {0};
	struct stat st;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	write_file("d/f", bytes_of("old"));
	ck_assert_int_eq(symlink("d/f", "link"), 0);
	OK(fd_replace_file("link", "new", 3, &err));
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ASSERT_BYTES(read_file("d/f"), bytes_of("new"));
}
END_TEST

START_TEST(what_is_no_file_is_written_in_place)
{
	struct bmap_error err = {0};
	struct stat st;

	OK(fd_replace_file("/dev/null", "text", 4, &err));
	ck_assert_int_eq(stat("/dev/null", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
	FAILS(fd_replace_file("/dev/full", "text", 4, &err), ENOSPC, "cannot write '/dev/full'");
}
END_TEST

START_TEST(failure_leaves_the_old_file)
{
	struct bmap_error err = {0};

	FAILS(fd_replace_file("no/such/folder", "x", 1, &err), ENOENT,
	      "cannot open 'no/such/folder' for writing");
	ck_assert_int_eq(mkdir("d", 0777), 0);
	FAILS(fd_replace_file("d", "x", 1, &err), EISDIR, "cannot open 'd' for writing");
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

static int write_parts(int fd, void *opaque)
{
	const int *failure = opaque;
	int r = fd_write_full(fd, "first, ", 7);

	if (r == 0)
		r = fd_write_full(fd, "second", 6);
	return *failure ? -*failure : r;
}

START_TEST(content_may_be_written_bit_by_bit)
{
	struct bmap_error err = {0};
	int failure = 0;

	OK(fd_replace_file_by("f", write_parts, &failure, &err));
	ASSERT_BYTES(read_file("f"), bytes_of("first, second"));
	write_file("f", bytes_of("what was there, and is longer"));
	OK(fd_replace_file_by("f", write_parts, &failure, &err));
	ASSERT_BYTES(read_file("f"), bytes_of("first, second"));
	OK(fd_replace_file_by("/dev/null", write_parts, &failure, &err));
	FAILS(fd_replace_file_by("/dev/full", write_parts, &failure, &err), ENOSPC,
	      "cannot write '/dev/full'");
	failure = EDQUOT;
	write_file("f", bytes_of("old"));
	FAILS(fd_replace_file_by("f", write_parts, &failure, &err), EDQUOT, "'f'");
	ASSERT_BYTES(read_file("f"), bytes_of("old"));
	FAILS(fd_replace_file_by("new", write_parts, &failure, &err), EDQUOT, "'new'");
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_temporary_file_has_no_name)
{
	struct bytes bytes = bytes_random(10000, 4);
	uint8_t buf[10000];
	struct stat st;
	int fd;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	fd = fd_temporary_file("d");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_nlink, 0);
	ck_assert_int_eq(st.st_mode & 077, 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(fd_pwrite_full(fd, bytes.data, bytes.len, 100), 0);
	ck_assert_int_eq(fd_pread_full(fd, buf, sizeof(buf), 100), sizeof(buf));
	ck_assert_mem_eq(buf, bytes.data, bytes.len);
	ck_assert_int_eq(rmdir("d"), 0); /* it is empty */
	close(fd);
	ck_assert_int_eq(fd_temporary_file("no/such"), -ENOENT);
	write_file("f", bytes);
	ck_assert_int_eq(fd_temporary_file("f"), -ENOTDIR);
}
END_TEST

START_TEST(folders_are_made_as_far_as_they_are_missing)
{
	char path[PATH_MAX];
	struct stat st;

	umask(022);
	ck_assert_int_eq(mkdir("there", 0755), 0);
	fd_make_folders("there/a/b/file");
	ck_assert_int_eq(stat("there/a/b", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat("there/a", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat("there", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755); /* left alone */
	ck_assert_int_eq(stat("there/a/b/file", &st), -1);
	fd_make_folders("there/a/b/file"); /* all is there */
	fd_make_folders("there//c///d/");  /* what ends with a slash is a folder */
	ck_assert_int_eq(stat("there/c/d", &st), 0);
	ck_assert_ptr_nonnull(getcwd(path, sizeof(path) - 20));
	strcat(path, "/there/x/y/file");
	fd_make_folders(path);
	ck_assert_int_eq(stat("there/x/y", &st), 0);
	/* and where it cannot be, nothing happens */
	fd_make_folders("file");
	fd_make_folders("/file");
	fd_make_folders("");
	write_file("f", bytes_of("text"));
	fd_make_folders("f/a/file");
	ASSERT_BYTES(read_file("f"), bytes_of("text"));
	ck_assert_uint_eq(count_files(), 2);
}
END_TEST

UNIT_MAIN("fd_io", reads_are_whole_and_end_at_the_end, short_reads_of_a_pipe_are_completed,
	  writes_fail_with_their_errno, positioned_writes_leave_a_hole, memory_file_is_inherited,
	  small_files_are_read_to_their_end, read_is_bounded, new_file_has_the_usual_mode,
	  replaced_file_keeps_its_mode_and_is_another, links_are_followed,
	  what_is_no_file_is_written_in_place, failure_leaves_the_old_file,
	  content_may_be_written_bit_by_bit, a_temporary_file_has_no_name,
	  folders_are_made_as_far_as_they_are_missing)
