//! `cutover graph`: the order of the loads, drawn.

use super::args::{Global, GraphArgs, GraphFormat};
use super::plan::make;
use super::screen::Screen;
use crate::engine::Exit;
use crate::plan::{mermaid, text};

pub(super) async fn run(args: &GraphArgs, global: &Global, screen: &Screen) -> Exit {
    match make(args.path.as_deref(), global, screen).await {
        Ok((_, plan)) => {
            screen.data(&match args.format {
                GraphFormat::Text => text(&plan),
                GraphFormat::Mermaid => mermaid(&plan),
            });
            Exit::Done
        }
        Err((error, root)) => screen.fail(&error, &root),
    }
}
