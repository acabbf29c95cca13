//! The binary: hands the arguments to the library's `cli` and ends with its exit code.

fn main() -> std::process::ExitCode {
    cutover::cli::main()
}
