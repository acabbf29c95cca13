//! The page of the command line is generated from the types that parse it.

use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/cli.md");

#[test]
fn the_page_is_what_the_types_say() {
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (begin, end) = ("<!-- cli:begin -->\n", "<!-- cli:end -->");
    let head = page.find(begin).expect("it has a begin marker") + begin.len();
    let tail = page.find(end).expect("it has an end marker");
    let generated = format!("\n{}\n", cutover::cli::reference().trim());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let fresh = format!("{}{generated}\n{}", &page[..head], &page[tail..]);
        fs::write(PAGE, fresh).expect("the page can be written");
        return;
    }
    assert_eq!(
        page[head..tail].trim(),
        generated.trim(),
        "run `UPDATE_DOCS=1 cargo test --test it cli_reference`"
    );
}

#[test]
fn every_command_and_option_has_a_help_text() {
    fn check(command: &clap::Command, name: &str) {
        assert!(command.get_about().is_some(), "`{name}` says nothing about itself");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "`{name}` {} has no help", argument.get_id());
        }
        for sub in command.get_subcommands() {
            check(sub, &format!("{name} {}", sub.get_name()));
        }
    }
    check(&cutover::cli::command(), "cutover");
}
