/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block devices: held exclusively, tuned while they are written to, their partitions read anew. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "target/device_holders.h"
#include "target/device_tuning.h"
#include "target/target_ops.h"

struct target_device {
	struct bmap_target base;
	dev_t device;
	struct device_tuning tuning;
};

/* The kernel should see the new partitions; nothing is wrong when it cannot. */
static void reread_partitions(struct target_device *device)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(device->device),
		 minor(device->device));
	if (access(path, F_OK) == 0)
		return;
	if (ioctl(device->base.fd, BLKRRPART) < 0)
		bmap_log(BMAP_LOG_DEBUG, "the partition table of '%s' was not read anew: %s",
			 device->base.name, strerror(errno));
}

static void device_close(struct bmap_target *target)
{
	struct target_device *device = (struct target_device *)target;

	if (target->has_begun)
		reread_partitions(device);
	device_tuning_restore(&device->tuning);
	target_fini(target);
	free(device);
}

static int open_exclusively(const char *path, dev_t device, struct bmap_error *err)
{
	int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	char holders[256];
	int code = errno;

	if (fd >= 0)
		return fd;
	device_holders_format(device, holders, sizeof(holders));
	return bmap_error_set(
		err, code, "cannot open block device '%s' in exclusive mode: %s%s%s%s", path,
		strerror(code), holders[0] ? " (" : "", holders, holders[0] ? ")" : "");
}

int target_open_device(struct bmap_target **target, const char *path, const struct stat *st,
		       struct bmap_error *err)
{
	static const struct target_ops ops = {.close = device_close};
	CLEANUP_FREE struct target_device *device = calloc(1, sizeof(*device));
	CLEANUP_CLOSE int fd = -1;
	struct stat held;
	char again[32];
	uint64_t size;
	int sector_size = 512;

	if (!device)
		return bmap_error_set(err, ENOMEM, "out of memory");
	fd = open_exclusively(path, st->st_rdev, err);
	if (fd < 0)
		return fd;
	/* From here on the descriptor is the device, whatever the name leads to by now. */
	if (fstat(fd, &held) < 0 || !S_ISBLK(held.st_mode) || held.st_rdev != st->st_rdev)
		return bmap_error_set(err, EBUSY, "'%s' became another device", path);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return bmap_error_set_system(err, errno, "cannot read the size of '%s'", path);
	ioctl(fd, BLKSSZGET, &sector_size);
	if (target_init(&device->base, &ops, path, fd, err) < 0)
		return -err->code;
	steal_fd(&fd);
	device->device = st->st_rdev;
	device->base.is_block_device = device->base.needs_sync = true;
	device->base.has_capacity = true;
	device->base.capacity_bytes = size;
	device->base.sector_size_bytes = (uint64_t)sector_size;
	device_tuning_apply(&device->tuning, device->device);
	device->base.direct_fd = open(again, O_WRONLY | O_DIRECT | O_CLOEXEC);
	*target = &STEAL_PTR(device)->base;
	return 0;
}

#define BUT_REMOVABLE \
	"But the removable-device option expects destination file to be an existing device."

int device_check_removable(const char *path, struct bmap_error *err)
{
	char name[128], flag[8] = "";
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	ssize_t n;

	if (stat(path, &st) < 0)
		return bmap_error_set(err, ENOENT,
				      "Destination file %s does not exist. " BUT_REMOVABLE, path);
	if (!S_ISBLK(st.st_mode))
		return bmap_error_set(err, EINVAL,
				      "Destination file %s is not a block device. " BUT_REMOVABLE,
				      path);
	/* A partition is removable when its disk is. */
	snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/removable", major(st.st_rdev),
		 minor(st.st_rdev));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/../removable", major(st.st_rdev),
			 minor(st.st_rdev));
		fd = open(name, O_RDONLY | O_CLOEXEC);
	}
	n = fd < 0 ? -errno : fd_read_full(fd, flag, sizeof(flag) - 1);
	if (n < 0)
		return bmap_error_set(err, EINVAL,
				      "Unable to detect removability of destination file %s. %s",
				      path, strerror((int)-n));
	if (flag[0] != '1')
		return bmap_error_set(err, EINVAL,
				      "Destination file %s is not a removable block "
				      "device. " BUT_REMOVABLE,
				      path);
	return 0;
}
