//! What lies in a run's folder of data: parts that were staged, which go, and the rows that people are to look at, which
//! stay. Knows the files by their names only.

use crate::engine::context::EngineError;
use crate::ports::Files;

/// Removes what was staged and is not needed any more, once no part of the run is under way: a crash between a file
/// and the event that names it leaves files behind that nobody knows, and they hold customers' values.
pub(in crate::engine) fn remove_staged(files: &dyn Files, run: u32) -> Result<(), EngineError> {
    let folder = format!("data/{run}");
    for name in files.list(&folder)?.into_iter().filter(|name| is_staged(name)) {
        files.remove(&format!("{folder}/{name}"))?;
    }
    Ok(())
}

/// Makes durable, before the run is said to be over, that what was staged is gone and what stays is there: afterwards
/// nobody writes the rows left out again, and nobody looks for what came back.
pub(in crate::engine) fn keep_rest(files: &dyn Files, run: u32) -> Result<(), EngineError> {
    let folder = format!("data/{run}");
    let names = files.list(&folder)?;
    for name in names.iter().filter(|name| name.ends_with(".csv") && !is_staged(name)) {
        files.sync(&format!("{folder}/{name}"))?;
    }
    // A run that staged nothing and left nothing out has no such folder.
    match files.list("data")?.iter().any(|name| *name == format!("{run}/")) {
        true => Ok(files.sync_dir(&folder)?),
        false => Ok(()),
    }
}

/// Parts and their indexes (`<load>-<step>-<number>`, `again-…`), and files that were being written.
fn is_staged(name: &str) -> bool {
    let kept = [".failed.csv", ".absent.csv", ".left-out"].iter().any(|part| name.contains(part));
    name.ends_with(".tmp") || name.ends_with(".index") || (name.ends_with(".csv") && !kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::MemoryFiles;

    #[test]
    fn what_was_staged_goes_and_what_people_need_stays() {
        let files = MemoryFiles::default();
        let staged = ["a-0-0.csv", "a-0-0.index", "again-0.1.csv", "a.0-0.failed.csv.tmp"];
        let kept =
            ["a.0-0.failed.csv", "a.left-out.csv", "a.left-out-2.csv", "a.absent.csv", "crosswalk/A/0-0.csv"];
        staged.iter().chain(&kept).for_each(|name| files.put(&format!("data/1/{name}"), b"x"));
        files.put("data/2/b-0-0.csv", b"x");
        remove_staged(&files, 1).unwrap();
        keep_rest(&files, 1).unwrap();
        files.crash();
        let mut left: Vec<String> = kept.iter().map(|name| format!("data/1/{name}")).collect();
        left.push("data/2/b-0-0.csv".into());
        left.sort();
        assert_eq!(files.paths(), left);
    }

    #[test]
    fn rows_left_out_outlive_a_loss_of_power() {
        let files = MemoryFiles::default();
        files.append("data/1/a.left-out.csv", b"x").unwrap();
        keep_rest(&files, 1).unwrap();
        keep_rest(&files, 2).unwrap();
        files.crash();
        assert_eq!(crate::ports::read_all(&files, "data/1/a.left-out.csv").unwrap(), b"x");
    }
}
