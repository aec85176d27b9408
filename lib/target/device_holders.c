/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/checked.h"
#include "target/device_holders.h"

#define MAX_DEVICES 64
#define SYS_PATH    4096

struct devices {
	dev_t device[MAX_DEVICES];
	char name[MAX_DEVICES][64];
	size_t n;
};

/* Appends to a list of remarks. */
static void add(char *text, size_t size, const char *device, const char *how, const char *who)
{
	size_t len = strlen(text);

	if (len && len + 2 < size)
		len = (size_t)(stpcpy(text + len, ", ") - text);
	snprintf(text + len, size - len, "%s is %s%s", device, how, who);
}

static int read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return -errno;
	ok = fgets(line, (int)size, file);
	fclose(file);
	if (!ok)
		return -EIO;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

/* Adds the device whose folder in sysfs this is. */
static void add_device(struct devices *devices, const char *folder, const char *name)
{
	char path[SYS_PATH], line[64];
	unsigned int major, minor;

	snprintf(path, sizeof(path), "%s/dev", folder);
	if (devices->n == MAX_DEVICES || read_line(path, line, sizeof(line)) < 0 ||
	    sscanf(line, "%u:%u", &major, &minor) != 2)
		return;
	devices->device[devices->n] = makedev(major, minor);
	snprintf(devices->name[devices->n], sizeof(devices->name[0]), "%s", name);
	devices->n++;
}

/* The device and, of a whole disk, its partitions. */
static void find_devices(dev_t device, struct devices *devices)
{
	char link[64], folder[SYS_PATH], path[2 * SYS_PATH];
	struct dirent *entry;
	DIR *dir;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(device), minor(device));
	if (!realpath(link, folder))
		return;
	add_device(devices, folder, strrchr(folder, '/') + 1);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s/partition", folder, entry->d_name);
		if (entry->d_name[0] == '.' || access(path, F_OK) < 0)
			continue;
		*strrchr(path, '/') = '\0';
		add_device(devices, path, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static const char *find_name(const struct devices *devices, dev_t device)
{
	for (size_t i = 0; i < devices->n; i++) {
		if (devices->device[i] == device)
			return devices->name[i];
	}
	return NULL;
}

/* The name of the device that @path is, when it is one of ours. */
static const char *find_path(const struct devices *devices, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? find_name(devices, st.st_rdev) : NULL;
}

/* Spaces and the like stand there as "\\040". */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] && in[3]) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* /proc/self/mountinfo (proc(5)): "36 35 98:0 /root /mount/point options - type source ..." */
static void add_mounts(const struct devices *devices, char *text, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;

	while (file && getline(&line, &capacity, file) > 0) {
		unsigned int major, minor;
		char point[1024], source[1024];
		const char *dash = strstr(line, " - ");
		const char *name = NULL;

		if (sscanf(line, "%*d %*d %u:%u %*s %1023s", &major, &minor, point) != 3)
			continue;
		name = find_name(devices, makedev(major, minor));
		/* btrfs shows a device number that is none. */
		if (!name && dash && sscanf(dash + 3, "%*s %1023s", source) == 1)
			name = find_path(devices, source);
		unescape(point);
		if (name)
			add(text, size, name, "mounted on ", point);
	}
	free(line);
	if (file)
		fclose(file);
}

static void add_swaps(const struct devices *devices, char *text, size_t size)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[1024], path[1024];

	while (file && fgets(line, sizeof(line), file)) {
		const char *name =
			sscanf(line, "%1023s", path) == 1 ? find_path(devices, path) : NULL;
		if (name)
			add(text, size, name, "swap space", "");
	}
	if (file)
		fclose(file);
}

static void add_holders(const struct devices *devices, char *text, size_t size)
{
	for (size_t i = 0; i < devices->n; i++) {
		char path[SYS_PATH], who[512], mapper[128];
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders",
			 major(devices->device[i]), minor(devices->device[i]));
		dir = opendir(path);
		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "/sys/class/block/%s/dm/name", entry->d_name);
			if (read_line(path, mapper, sizeof(mapper)) == 0)
				snprintf(who, sizeof(who), "%s (%s)", entry->d_name, mapper);
			else
				snprintf(who, sizeof(who), "%s", entry->d_name);
			add(text, size, devices->name[i], "held by ", who);
		}
		if (dir)
			closedir(dir);
	}
}

void device_holders_format(dev_t device, char *text, size_t size)
{
	struct devices devices = {.n = 0};

	text[0] = '\0';
	find_devices(device, &devices);
	add_mounts(&devices, text, size);
	add_swaps(&devices, text, size);
	add_holders(&devices, text, size);
}
