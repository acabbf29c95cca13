//! The numbered boundary: every call through a port enters here and is written into the trace; at one of them the
//! world may stop, or lose what the org answered. Knows no port.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is to happen at one boundary, by its number from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Nothing.
    Nowhere,
    /// The process ends before the call.
    Before(usize),
    /// The process ends after the call: its effect is done, nobody reads what it gave.
    After(usize),
    /// The org does what it is asked, and the connection breaks before its answer arrives.
    Lost(usize),
    /// The answer breaks off in the middle of its body.
    Cut(usize),
    /// The call is made twice, as by a network that repeats it; the second answer arrives.
    Twice(usize),
    /// The call is made twice; the first answer arrives.
    TwiceFirst(usize),
    /// The process ends before the first call whose name begins like this.
    BeforeFirst(&'static str),
    /// The disk refuses the call, counted from 1 among those whose name begins like this.
    RefusedNth(&'static str, usize),
}

/// What a call must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Be made.
    Go,
    /// Not be made: the process is gone.
    Stop,
    /// Be made; then the process is gone.
    GoThenStop,
    /// Be made, its answer lost.
    GoThenLose,
    /// Be made, its answer broken off.
    GoThenCut,
    /// Be made twice; the second answer counts.
    GoTwice,
    /// Be made twice; the first answer counts.
    GoTwiceFirst,
    /// Not be made: the disk refuses it.
    Refuse,
}

/// The boundary of one life of the process.
pub struct Gate {
    aim: Aim,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    gone: bool,
    hit: Option<usize>,
}

impl Aim {
    /// The number of the call that it is about.
    pub fn number(self) -> Option<usize> {
        match self {
            Self::Nowhere | Self::BeforeFirst(_) | Self::RefusedNth(..) => None,
            Self::Before(n) | Self::After(n) | Self::Lost(n) | Self::Cut(n) => Some(n),
            Self::Twice(n) | Self::TwiceFirst(n) => Some(n),
        }
    }
}

impl Gate {
    pub fn new(aim: Aim) -> Self {
        Self { aim, state: Mutex::default() }
    }

    /// A call of this name is about to be made.
    pub fn enter(&self, name: String) -> Turn {
        let mut state = self.state();
        if state.gone {
            return Turn::Stop;
        }
        let number = state.trace.len();
        let turn = match self.aim {
            Aim::Before(n) if n == number => Turn::Stop,
            Aim::BeforeFirst(prefix) if name.starts_with(prefix) => Turn::Stop,
            Aim::After(n) if n == number => Turn::GoThenStop,
            Aim::RefusedNth(prefix, nth) if name.starts_with(prefix) => {
                let before = state.trace.iter().filter(|call| call.starts_with(prefix)).count();
                if before + 1 == nth { Turn::Refuse } else { Turn::Go }
            }
            Aim::Lost(n) if n == number => Turn::GoThenLose,
            Aim::Cut(n) if n == number => Turn::GoThenCut,
            Aim::Twice(n) if n == number => Turn::GoTwice,
            Aim::TwiceFirst(n) if n == number => Turn::GoTwiceFirst,
            _ => Turn::Go,
        };
        state.trace.push(name);
        if turn != Turn::Go {
            state.hit = Some(number);
        }
        state.gone = turn == Turn::Stop;
        turn
    }

    /// The process is gone from here on.
    pub fn go(&self) {
        self.state().gone = true;
    }

    pub fn is_gone(&self) -> bool {
        self.state().gone
    }

    /// Every call so far, and the number of the one aimed at, once it was reached.
    pub fn told(&self) -> (Vec<String>, Option<usize>) {
        let state = self.state();
        (state.trace.clone(), state.hit)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
