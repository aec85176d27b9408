lib_libbmap_la_SOURCES += \
	lib/target/device_holders.c \
	lib/target/device_holders.h \
	lib/target/device_tuning.c \
	lib/target/device_tuning.h \
	lib/target/target.c \
	lib/target/target_write.h \
	lib/target/target_device.c \
	lib/target/target_file.c \
	lib/target/target_ops.h
