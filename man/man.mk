dist_man_MANS += man/bmaptool.1 man/bmap.5
