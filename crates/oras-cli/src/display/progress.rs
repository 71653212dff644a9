//! What is told on standard error while content moves: live lines in a terminal, else a sign of life now and then.
//!
//! A [`Progress`] takes events, which is quick, and a thread of its own tells about them, whatever the tasks that move
//! content are busy with.

mod area;
mod heartbeat;
mod line;
mod row;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oras::content::{Event, EventSink};

use self::area::Area;
use self::heartbeat::Heartbeat;
use self::line::{Line, Look};
use self::row::{Row, Rows};
use crate::display::paint::Paint;
use crate::display::status::Verbs;
use crate::output::{self, Window};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(200);
/// How often it is looked whether something should be told.
const LOOK: Duration = Duration::from_secs(1);

/// How many rows may pile up that are not drawn.
const MOST_UNSHOWN: usize = 64;

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Live lines in a terminal.
    Live(Paint),
    /// A line when nothing was done for a while.
    Heartbeat,
}

/// Tells what is on its way, until it is ended.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
    /// Locked before `rows`, and for as long as it takes to write: a terminal that is stopped stops nothing else.
    view: Mutex<View>,
    rows: Mutex<Rows>,
    woken: Condvar,
    ended: Mutex<bool>,
}

#[derive(Debug, Default)]
struct View {
    area: Area,
    heartbeat: Heartbeat,
    frames: usize,
    closed: bool,
}

impl Progress {
    /// Begins to tell. Without the memory for another thread, nothing is told.
    pub(crate) fn begin(verbs: Verbs, style: Style) -> Arc<Self> {
        let progress = Arc::new(Self {
            style,
            view: Mutex::default(),
            rows: Mutex::new(Rows::new(verbs, Instant::now())),
            woken: Condvar::new(),
            ended: Mutex::new(false),
        });
        let teller = Arc::clone(&progress);
        let thread = std::thread::Builder::new().name("progress".to_owned());
        drop(thread.spawn(move || teller.keep_telling()));
        progress
    }

    /// Whether status lines are replaced.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.style, Style::Live(_))
    }

    /// Tells for the last time, and leaves the terminal as it was. What is not done has failed.
    pub(crate) fn end(&self) {
        *lock(&self.ended) = true;
        self.woken.notify_all();
        let mut view = lock(&self.view);
        if !std::mem::replace(&mut view.closed, true)
            && let Style::Live(paint) = self.style
        {
            lock(&self.rows).fail();
            let mut text = self.frame(&mut view, paint, Room::LAST);
            text.push_str(view.area.close());
            output::draw(&text);
        }
    }

    /// Lets somebody else print, with the live lines out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        let mut view = lock(&self.view);
        if !self.is_live() || view.closed {
            return print();
        }
        output::draw(&view.area.erase(output::window().columns));
        let done = print();
        self.show(&mut view);
        done
    }

    fn keep_telling(&self) {
        let period = if self.is_live() { FRAME } else { LOOK };
        let mut ended = lock(&self.ended);
        while !*ended {
            drop(ended);
            self.tell();
            ended = lock(&self.ended);
            if !*ended {
                let waited = self.woken.wait_timeout(ended, period);
                ended = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn tell(&self) {
        let mut view = lock(&self.view);
        if !view.closed {
            lock(&self.rows).sample(Instant::now());
            view.frames += 1;
            self.show(&mut view);
        }
    }

    fn show(&self, view: &mut View) {
        match self.style {
            Style::Live(paint) => {
                let text = self.frame(view, paint, Room::of(output::window()));
                output::draw(&text);
            }
            Style::Heartbeat => {
                let mut rows = lock(&self.rows);
                drop(rows.settle(0));
                let line = view.heartbeat.beat(&rows, Instant::now());
                drop(rows);
                if let Some(line) = line {
                    output::tell(&line);
                }
            }
        }
    }

    /// What draws the rows as they are now. Those that are done are drawn for the last time.
    fn frame(&self, view: &mut View, paint: Paint, room: Room) -> String {
        let window = output::window();
        let look = Look {
            now: Instant::now(),
            frame: view.frames,
            width: window.columns,
            paint,
        };
        let lines = |rows: &[Row]| rows.iter().flat_map(|row| look.lines(row)).collect();
        let mut rows = lock(&self.rows);
        let lasting: Vec<Line> = lines(&rows.settle(room.lines / 2));
        let mut live: Vec<Line> = lines(&rows.rows);
        drop(rows);
        live.drain(..live.len().saturating_sub(room.lines));
        view.area.draw(&lasting, &live, window.columns)
    }
}

/// How many lines may be live.
#[derive(Clone, Copy)]
struct Room {
    lines: usize,
}

impl Room {
    /// Nothing is live any more.
    const LAST: Self = Self { lines: 0 };

    /// All but the one of the cursor.
    fn of(window: Window) -> Self {
        Self {
            lines: window.rows.saturating_sub(1).max(1),
        }
    }
}

impl EventSink for Progress {
    fn on_event(&self, event: &Event<'_>) {
        let mut rows = lock(&self.rows);
        rows.take(event, Instant::now());
        if !self.is_live() && rows.rows.len() > MOST_UNSHOWN {
            // Nobody is going to look at what is done.
            drop(rows.settle(0));
        }
    }
}

/// Every state kept under these locks is whole between calls.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
