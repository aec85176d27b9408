lib_libbmap_la_SOURCES += \
	lib/image/image.c \
	lib/image/image_parts.h \
	lib/image/image_find.c \
	lib/image/image_holes.c \
	lib/image/image_holes.h \
	lib/image/image_reader.c \
	lib/image/image_reader.h \
	lib/image/partition_table.h \
	lib/image/piece_queue.c \
	lib/image/piece_queue.h

if WITH_BLKID
lib_libbmap_la_SOURCES += lib/image/partition_table.c
else
lib_libbmap_la_SOURCES += lib/image/partition_none.c
endif
