//! Which files may be played. What an asset's name leads to counts, not the name: links and `..` are followed first.
//!
//! This bounds what a caller can have played. It is no wall against somebody who can put links into a root while a file
//! is being opened.

use std::io;
use std::path::{Path, PathBuf};

/// The folders below which every asset has to lie; anywhere if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaRoots(Vec<PathBuf>);

impl MediaRoots {
    /// The folder at `root` too. An error if there is none.
    pub fn add(&mut self, root: &Path) -> io::Result<()> {
        let root = root.canonicalize()?;
        root.read_dir()?;
        self.0.push(root);
        Ok(())
    }

    /// Says why the file `asset` must not be played, if it lies outside. May wait for a slow disk.
    pub(crate) fn refusal_of(&self, asset: &str) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        match Path::new(asset).canonicalize() {
            Ok(path) if self.0.iter().any(|root| path.starts_with(root)) => None,
            Ok(_) => Some(format!("{asset:?} is outside the media roots")),
            Err(error) => Some(format!("{asset:?}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// `root/film.mp4`, `root/deep/film.mp4` and, outside, `rootless/film.mp4`; removed at the end.
    struct Disk(PathBuf);

    impl Disk {
        fn new(name: &str) -> Disk {
            let disk = Disk(std::env::temp_dir().join(format!("air-roots-{}-{name}", std::process::id())));
            for folder in ["root/deep", "rootless"] {
                fs::create_dir_all(disk.0.join(folder)).unwrap();
            }
            for film in ["root/film.mp4", "root/deep/film.mp4", "rootless/film.mp4"] {
                fs::write(disk.0.join(film), "").unwrap();
            }
            disk
        }

        fn at(&self, path: &str) -> String {
            self.0.join(path).to_str().unwrap().to_owned()
        }

        fn rooted(&self, root: &str) -> MediaRoots {
            let mut roots = MediaRoots::default();
            roots.add(&self.0.join(root)).unwrap();
            roots
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn without_roots_everything_may_be_played() {
        assert_eq!(MediaRoots::default().refusal_of("/etc/passwd"), None);
    }

    #[test]
    fn what_is_below_a_root_may_be_played_however_it_is_called() {
        let disk = Disk::new("inside");
        symlink(disk.at("root"), disk.at("link")).unwrap();
        symlink(disk.at("root/film.mp4"), disk.at("root/deep/again.mp4")).unwrap();
        for roots in [disk.rooted("root"), disk.rooted("link"), disk.rooted("root/deep/..")] {
            for asset in ["root/film.mp4", "root/deep/film.mp4", "link/film.mp4", "root/deep/again.mp4"] {
                assert_eq!(roots.refusal_of(&disk.at(asset)), None, "{asset}");
            }
            assert_eq!(roots.refusal_of(&disk.at("rootless/../root/film.mp4")), None);
        }
    }

    #[test]
    fn what_leads_out_of_the_roots_is_refused() {
        let disk = Disk::new("outside");
        symlink(disk.at("rootless/film.mp4"), disk.at("root/innocent.mp4")).unwrap();
        symlink(disk.at("rootless"), disk.at("root/folder")).unwrap();
        let roots = disk.rooted("root");
        let outside =
            ["rootless/film.mp4", "root/../rootless/film.mp4", "root/innocent.mp4", "root/folder/film.mp4"];
        for asset in outside.map(|asset| disk.at(asset)) {
            assert_eq!(roots.refusal_of(&asset), Some(format!("{asset:?} is outside the media roots")));
        }
        assert!(roots.refusal_of(".").is_some_and(|told| told.ends_with("outside the media roots")));
    }

    /// A URL is no name of a file, whatever it names.
    #[test]
    fn what_is_not_there_is_refused_with_the_systems_word() {
        let disk = Disk::new("missing");
        let roots = disk.rooted("root");
        for asset in [
            disk.at("root/none.mp4"),
            format!("file:{}", disk.at("root/film.mp4")),
            format!("file://{}", disk.at("root/film.mp4")),
            "http://127.0.0.1/film.mp4".to_owned(),
            String::new(),
        ] {
            assert!(roots.refusal_of(&asset).is_some_and(|told| told.contains("No such file")), "{asset}");
        }
        assert!(roots.refusal_of("a\0b").is_some());
    }

    #[test]
    fn a_root_is_a_folder_that_exists() {
        let disk = Disk::new("root");
        let mut roots = MediaRoots::default();
        assert_eq!(roots.add(&disk.0.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(
            roots.add(&disk.0.join("root/film.mp4")).unwrap_err().kind(),
            io::ErrorKind::NotADirectory
        );
    }
}
