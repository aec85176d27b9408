lib_libbmap_la_SOURCES += \
	lib/view/forward_reader.c \
	lib/view/forward_reader.h \
	lib/view/image_index.c \
	lib/view/image_index.h \
	lib/view/index_write.c \
	lib/view/mapped_file.c \
	lib/view/mapped_file.h \
	lib/view/overlay.c \
	lib/view/piece_store.c \
	lib/view/piece_store.h \
	lib/view/range_ledger.c \
	lib/view/range_ledger.h \
	lib/view/spill.c \
	lib/view/spill.h \
	lib/view/view.c \
	lib/view/view_identity.h
