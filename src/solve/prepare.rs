//! What a request and the repositories say about single packages: what is in the root already, what is kept out, and who
//! owns which paths.

use super::bits::Bits;
use super::lit::Id;
use super::pool::{Hidden, Pool};
use super::request::Request;
use super::spec::{Readings, Visibility};
use super::words::Word;

impl Pool<'_> {
    /// Applies what the request and the repositories say about single packages.
    pub(super) fn prepare(&mut self, request: &Request) {
        self.hide();
        for nevra in &request.installed {
            if let Some(id) = self.find(nevra) {
                self.packages[id.index()].installed = true;
            }
        }
        let mut owners: Vec<(Word, Id)> = Vec::new();
        for (path, repo, package) in request.files.owners() {
            let path = self.words.intern(path);
            let repo = self.repos.iter().position(|known| known.metadata.repo() == repo);
            owners.extend(repo.and_then(|repo| self.number(repo, package)).map(|id| (path, id)));
        }
        owners.sort_unstable();
        self.owners = owners;
    }

    /// Marks what excludes, includes and modules keep out.
    fn hide(&mut self) {
        for number in 0..self.repos.len() {
            let repo = self.repos[number];
            let mut marks: Vec<(Id, Hidden)> = Vec::new();
            let of_repo = |pool: &Self, id: Id| usize::from(pool.package(id).repo) == number;
            let mut named = Bits::new(self.len());
            for text in repo.includes {
                let found = self.named_by(text, Readings::Packages, Visibility::All);
                found.iter().flat_map(|found| &found.ids).for_each(|id| named.set(id.index()));
            }
            if !repo.includes.is_empty() {
                let left_out = self.ids().filter(|id| of_repo(self, *id) && !named.has(id.index()));
                marks.extend(left_out.map(|id| (id, Hidden::NotIncluded)));
            }
            for text in repo.excludes {
                let found = self.named_by(text, Readings::Packages, Visibility::All);
                let ids = found.into_iter().flat_map(|found| found.ids).filter(|id| of_repo(self, *id));
                marks.extend(ids.map(|id| (id, Hidden::Excluded)));
            }
            let inactive = repo.inactive.iter().filter_map(|package| self.number(number, *package));
            marks.extend(inactive.map(|id| (id, Hidden::Module)));
            for (id, why) in marks {
                self.packages[id.index()].hidden = Some(why);
            }
        }
    }
}
