//! Files of rows that other programs are tested with: our source reader reads them, and our org takes or refuses them as
//! an upload.

use super::index::{Upload, bytes, set};
use super::org::TestOrg;
use cutover::ports::MemoryFiles;
use cutover::source::{Chunks, CsvFormat, RowReader, read_header};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const FOLDERS: [&str; 3] = ["jsforce", "dataloader-csv", "sf-cli-plugin-data"];

fn format(said: &Value) -> CsvFormat {
    let delimiter = said["delimiter"].as_str().map_or(b',', |d| d.as_bytes()[0]);
    let encoding = said["encoding"].as_str().unwrap_or("utf-8").to_owned();
    CsvFormat { delimiter, encoding, ..CsvFormat::default() }
}

/// What our source reader makes of a file, in the words of the index.
fn source(said: &Value, bytes: &[u8]) -> Value {
    let format = format(said);
    let mut found = said.clone();
    let known = CsvFormat::knows_encoding(&format.encoding);
    if !known {
        found["encoding known"] = known.into();
        return found;
    }
    let files = MemoryFiles::default();
    files.put("rows.csv", bytes);
    let header = match read_header(&files, "rows.csv", &format) {
        Ok(header) => header,
        Err(problem) => {
            found["problem"] = problem.message.into();
            return found;
        }
    };
    let mut chunks = Chunks::new(&files, &["rows.csv".to_owned()], &format).unwrap();
    let mut reader = RowReader::new(&format, header.columns.len()).unwrap();
    let (mut rows, mut faults, mut last) = (0, 0, String::new());
    while let Some(chunk) = chunks.next().unwrap() {
        reader.each(&chunk, &mut |_, _, row| match row {
            Ok(cells) => {
                rows += 1;
                cells.get(0).clone_into(&mut last);
            }
            Err(_) => faults += 1,
        });
    }
    found["columns"] = header.columns.len().into();
    found["rows"] = rows.into();
    found["last"] = last.into();
    if faults > 0 {
        found["faults"] = faults.into();
    }
    found
}

/// The job of an upload at its end: the fields that the index names, and the codes of refused rows.
fn upload(org: &mut TestOrg, upload: &Upload, mut bytes: Vec<u8>) -> (Value, BTreeSet<String>) {
    if let Some(header) = &upload.header {
        let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
        bytes.splice(..end, header.bytes());
    }
    let mut spec = json!({"object": "Account", "operation": "insert"});
    for (name, value) in upload.job.as_object().unwrap() {
        spec[name] = value.clone();
    }
    let job = org.job(&spec, bytes);
    let info = org.json(&format!("GET jobs/ingest/{job}"), None).json();
    let given: Map<String, Value> =
        upload.gives.as_object().unwrap().keys().map(|name| (name.clone(), info[name].clone())).collect();
    let failed = org.results(&job, "failedResults");
    let delimiter = info["columnDelimiter"].as_str().map_or(b',', delimiter);
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(failed.as_bytes());
    let codes = rows.records().map(|row| row.unwrap()[1].split(':').next().unwrap().to_owned());
    (Value::Object(given), codes.collect())
}

fn delimiter(word: &str) -> u8 {
    match word {
        "BACKQUOTE" => b'`',
        "CARET" => b'^',
        "PIPE" => b'|',
        "SEMICOLON" => b';',
        "TAB" => b'\t',
        _ => b',',
    }
}

#[test]
fn our_source_reader_reads_them() {
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        for capture in set(folder).captures {
            let Some(said) = &capture.source else { continue };
            let found = source(said, &bytes(&format!("{folder}/{}", capture.file)));
            if found != *said {
                wrong.push(format!("{folder}/{}: {found}", capture.file));
            }
        }
    }
    assert!(wrong.is_empty(), "not as the index says:\n{}", wrong.join("\n"));
}

#[test]
fn our_org_takes_them_as_uploads() {
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        for capture in set(folder).captures {
            let Some(said) = &capture.upload else { continue };
            let mut org = TestOrg::new();
            for step in &capture.before {
                org.step(step);
            }
            if let Some(file) = &said.after {
                let first = set(folder).captures.into_iter().find(|c| c.file == *file).unwrap();
                upload(&mut org, &first.upload.unwrap(), bytes(&format!("{folder}/{file}")));
            }
            let (given, codes) = upload(&mut org, said, bytes(&format!("{folder}/{}", capture.file)));
            if given != said.gives || codes != said.errors {
                wrong.push(format!("{folder}/{}: gives {given} errors {codes:?}", capture.file));
            }
        }
    }
    assert!(wrong.is_empty(), "not as the index says:\n{}", wrong.join("\n"));
}
