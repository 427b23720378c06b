use super::*;
use crate::atomic::Ordering;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// Goal: what one mapping stores another one of the same file loads. Method: both kinds of mapping
/// of one file, words and bytes.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_store_is_seen_through_every_mapping_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("words");
    let writer = MappedFile::create(&path, 3 * PAGE_BYTES, Options::HOT).unwrap();
    let reader =
        MappedFile::open_read_only(&path, Options { prefault: true, lock: false }).unwrap();
    assert_eq!((writer.len(), reader.len()), (3 * PAGE_BYTES, 3 * PAGE_BYTES));
    assert!(writer.is_writable() && !reader.is_writable() && !reader.is_locked());
    writer.word(8).unwrap().store(0x0807_0605_0403_0201, Ordering::Relaxed);
    writer.word32(PAGE_BYTES + 4).unwrap().store(7, Ordering::Relaxed);
    assert_eq!(reader.load(8, Ordering::Relaxed), Some(0x0807_0605_0403_0201));
    assert_eq!(reader.load(PAGE_BYTES, Ordering::Relaxed), Some(7 << 32));
    let mut bytes = [0xFF; 11];
    assert!(reader.copy_out(8, &mut bytes));
    assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0]);
    writer.sync().unwrap();
}

/// KiB of the mappings of a file that are in memory, and KiB mapped.
fn resident(path: &std::path::Path) -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let name = path.to_str().unwrap();
    let mut lines = text.lines().skip_while(|line| !line.ends_with(name)).skip(1);
    let mut field = |name: &str| {
        let line = lines.by_ref().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let mapped = field("Size:");
    (field("Rss:"), mapped)
}

/// Goal: `prefault` touches every page, also in an optimised build. Method: what the kernel says is
/// in memory, for both kinds of mapping, beside one that is not to be touched.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_mapping_made_with_prefault_has_every_page() {
    let dir = tempfile::tempdir().unwrap();
    let touched = Options { prefault: true, lock: false };
    let paths = ["new", "read", "cold"].map(|name| dir.path().join(name));
    let _new = MappedFile::create(&paths[0], 64 * PAGE_BYTES, touched).unwrap();
    drop(MappedFile::create(&paths[1], 64 * PAGE_BYTES, touched).unwrap());
    let _read = MappedFile::open_read_only(&paths[1], touched).unwrap();
    let _cold = MappedFile::create(&paths[2], 64 * PAGE_BYTES, Options::COLD).unwrap();
    assert_eq!(resident(&paths[0]), (256, 256));
    assert_eq!(resident(&paths[1]), (256, 256));
    assert_eq!(resident(&paths[2]), (0, 256));
}

/// Goal: no access outside the file, off alignment, or for writing through a read-only mapping.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn words_outside_unaligned_or_read_only_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bounds");
    let file = MappedFile::create(&path, 100, Options::COLD).unwrap();
    assert!(file.word(88).is_some() && file.word32(96).is_some());
    for offset in [1, 4, 93, 96, 100, 104, usize::MAX - 7, usize::MAX] {
        assert!(file.word(offset).is_none(), "{offset}");
        assert!(file.read_words(offset, 1).is_none(), "{offset}");
    }
    assert!(file.word32(97).is_none() && file.word32(100).is_none());
    assert!(file.words(0, 12).is_some() && file.words(0, 13).is_none());
    assert!(file.words(8, usize::MAX / 8).is_none() && file.words(0, usize::MAX).is_none());
    assert!(!file.copy_out(96, &mut [0; 5]) && !file.copy_out(4, &mut [0; 8]));
    let reader = Arc::new(MappedFile::open_read_only(&path, Options::COLD).unwrap());
    assert!(reader.word(0).is_none() && reader.word32(0).is_none());
    assert!(Words::mapped(&reader, 0, 1).is_none());
    assert_eq!(ReadWords::mapped(&reader, 8, 11).unwrap().len(), 11);
    assert!(ReadWords::mapped(&reader, 8, 12).is_none());
}

/// Goal: files are ours alone, made once, and replaced whole. Method: modes, a second create, a
/// replace seen by an old and a new reader.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn files_are_owner_only_exclusive_and_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let first = MappedFile::create(&path, 64, Options::COLD).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = MappedFile::create(&path, 64, Options::COLD).unwrap_err();
    assert_eq!(again.step, MapStep::Create);
    assert_eq!(again.source.kind(), std::io::ErrorKind::AlreadyExists);
    let second = MappedFile::replace(&path, 128, Options::COLD, |file| {
        file.word(0).unwrap().store(9, Ordering::Relaxed);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 64, "not yet in place");
    })
    .unwrap();
    let reader = MappedFile::open_read_only(&path, Options::COLD).unwrap();
    assert_eq!((reader.len(), reader.load(0, Ordering::Relaxed)), (128, Some(9)));
    assert_eq!((second.path(), first.load(0, Ordering::Relaxed)), (path.as_path(), Some(0)));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Goal: what is not a plain file of ours is refused by name. Method: link, folder, fifo, empty
/// file, group-writable file, missing file.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn planted_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    drop(MappedFile::create(&at("plain"), 64, Options::COLD).unwrap());
    std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(at("empty"), b"").unwrap();
    std::fs::write(at("shared"), b"12345678").unwrap();
    std::fs::set_permissions(at("shared"), std::fs::Permissions::from_mode(0o620)).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    for (name, step) in [
        ("link", MapStep::Open),
        ("missing", MapStep::Open),
        ("folder", MapStep::Check),
        ("fifo", MapStep::Check),
        ("empty", MapStep::Check),
        ("shared", MapStep::Check),
    ] {
        let error = MappedFile::open_read_only(&at(name), Options::COLD).unwrap_err();
        assert_eq!(error.step, step, "{error}");
    }
    let error = MappedFile::create(&at("link"), 64, Options::COLD).unwrap_err();
    assert_eq!(error.step, MapStep::Create, "{error}");
}

/// Goal: a file system that is too small is an error, and leaves nothing. Method: a file larger
/// than any file system.
#[test]
#[cfg_attr(miri, ignore = "maps a file")]
fn a_length_that_does_not_fit_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for len in [0, 1 << 50, usize::MAX] {
        let error = MappedFile::create(&dir.path().join("huge"), len, Options::COLD).unwrap_err();
        assert_eq!(error.step, MapStep::Allocate, "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

/// Goal: a run keeps its memory alive and never leaves its bounds. Method: slices of slices outlive
/// the run they came from.
#[test]
fn runs_of_words_keep_their_memory_and_their_bounds() {
    let words = Words::heap(8);
    let reader = words.reader();
    let part = words.slice(2, 4).unwrap();
    let word = part.word(3).unwrap();
    assert!(words.slice(5, 4).is_none() && words.slice(usize::MAX, 2).is_none());
    assert!(part.word(4).is_none() && reader.slice(8, 1).is_none());
    drop((words, part));
    word.store(11, Ordering::Relaxed);
    assert_eq!(reader.get(5).unwrap().load(Ordering::Relaxed), 11);
    assert_eq!(reader.slice(5, 3).unwrap().first().unwrap().load(Ordering::Relaxed), 11);
}

/// Goal: prefetching anything is harmless.
#[test]
fn prefetch_of_any_address_is_harmless() {
    let line = [0u64; 8];
    prefetch_read(&line);
    prefetch_write(&line);
    prefetch_read_at(core::ptr::null());
    prefetch_write_at(core::ptr::null());
    cpu_relax();
}
