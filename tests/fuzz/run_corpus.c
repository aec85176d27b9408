/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz target as an ordinary test: run over every file of a folder. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "fuzz.h"

#define MAX_LEN (8 << 20)

/* Every file as it is, cut short, and with bytes changed here and there. */
static void run(uint8_t *data, size_t len)
{
	LLVMFuzzerTestOneInput(data, len);
	for (size_t i = 1; i <= 32; i++) {
		size_t cut = len * i / 33, at = len * i / 34;
		/* A copy of its exact size, so that a read behind it is seen. */
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, data, cut);
		LLVMFuzzerTestOneInput(copy, cut);
		free(copy);
		if (len == 0)
			continue;
		data[at] ^= (uint8_t)(1 << i % 8);
		LLVMFuzzerTestOneInput(data, len);
		data[at] ^= (uint8_t)(1 << i % 8);
	}
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : getenv("CORPUS");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	size_t n_files = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS (a folder of inputs)\n", argv[0]);
		return 99;
	}
	while ((entry = readdir(dir))) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		char *text;
		size_t len;

		if (entry->d_name[0] == '.' || fd < 0 ||
		    fd_read_text(fd, &text, &len, MAX_LEN) < 0) {
			if (fd >= 0)
				close(fd);
			continue;
		}
		close(fd);
		run((uint8_t *)text, len);
		free(text);
		n_files++;
	}
	closedir(dir);
	printf("%zu inputs of %s\n", n_files, folder);
	return n_files ? 0 : 1;
}
