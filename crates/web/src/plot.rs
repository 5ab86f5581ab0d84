//! Plots: numbers over days or names, drawn on the server as SVG beside the same numbers as a table.
//!
//! The drawing is stretched over the width of its place, so it holds no text: the labels of the axes are HTML beside it, which
//! stays readable on a phone.

/// How the values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlotKind {
    Line,
    Bar,
}

/// The values of one line, or the bars of one colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    /// One for each point; `None` where the value is not known.
    pub values: Vec<Option<i64>>,
}

/// A plot whose places are computed. The drawing is 100 units wide and 100 high.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    pub title: String,
    /// What the points are, such as `Day`: the head of the first column of the table.
    pub head: String,
    /// The names of the points, from first to last.
    pub points: Vec<String>,
    /// The names under the drawing: a few of the points, evenly spaced.
    pub marks: Vec<String>,
    /// The lines of the grid, the highest first, with their labels.
    pub ticks: Vec<Tick>,
    pub series: Vec<Drawn>,
    /// The table: a row for each point with a cell for each series.
    pub rows: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub y: f64,
    pub label: String,
    pub is_zero: bool,
}

/// One series with its shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pub name: String,
    /// Counts from 1; the style sheet has a colour and a dash for each.
    pub number: usize,
    /// The data of an SVG path; empty for bars.
    pub path: String,
    /// The data of a path with a dot for each value that stands alone, which a line would hardly show.
    pub dots: String,
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    /// What a pointer shows.
    pub title: String,
}

/// At most so many steps between the lines of the grid.
const STEPS: i64 = 4;
/// At most so many names stand under the drawing.
const MARKS: usize = 4;

impl Plot {
    /// Computes a plot of `series` over `points`. `write` writes a value for people.
    pub fn new(
        kind: PlotKind,
        (title, head): (impl Into<String>, impl Into<String>),
        points: Vec<String>,
        series: Vec<Series>,
        write: impl Fn(i64) -> String,
    ) -> Plot {
        let known = || series.iter().flat_map(|series| &series.values).flatten().copied();
        let (low, high, step) = range(known().min().unwrap_or(0), known().max().unwrap_or(0));
        let place = Places { points: points.len(), series: series.len(), low, high };
        let mut ticks = Vec::new();
        let mut value = high;
        while value >= low {
            ticks.push(Tick { y: place.y(value), label: write(value), is_zero: value == 0 });
            value -= step;
        }
        let text = |value: Option<&Option<i64>>| value.copied().flatten().map_or_else(|| "–".to_owned(), &write);
        let rows = points.iter().enumerate();
        let rows = rows.map(|(at, point)| (point.clone(), series.iter().map(|series| text(series.values.get(at))).collect())).collect();
        let drawn = series.into_iter().enumerate().map(|(index, Series { name, values })| Drawn {
            number: index + 1,
            path: if kind == PlotKind::Line { place.path(&values) } else { String::new() },
            dots: if kind == PlotKind::Line { place.dots(&values) } else { String::new() },
            bars: if kind == PlotKind::Bar { place.bars(index, &values, &points, &write) } else { Vec::new() },
            name,
        });
        let series = drawn.collect();
        Plot { title: title.into(), head: head.into(), marks: marks(&points), ticks, series, rows, points }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.path.is_empty() && series.bars.is_empty())
    }
}

/// Returns the lowest and the highest line of the grid and the distance between two lines. Zero is one of them, and a distance is
/// 1, 2 or 5 times a power of ten.
fn range(min: i64, max: i64) -> (i64, i64, i64) {
    let (min, max) = (min.min(0), max.max(0));
    let span = max.saturating_sub(min).max(1);
    let mut step = 1_i64;
    'search: for power in 0..18_u32 {
        for factor in [1, 2, 5] {
            step = 10_i64.pow(power) * factor;
            if steps_to(span, step) <= STEPS {
                break 'search;
            }
        }
    }
    let low = min.div_euclid(step) * step;
    let high = steps_to(max, step) * step;
    (low, if high == low { low + step } else { high }, step)
}

/// How many steps reach up to a value.
fn steps_to(value: i64, step: i64) -> i64 {
    value.div_euclid(step) + i64::from(value.rem_euclid(step) != 0)
}

/// Some of the points, the first and the last among them.
fn marks(points: &[String]) -> Vec<String> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let gaps = last.min(MARKS - 1);
    if gaps == 0 {
        return points.to_vec();
    }
    (0..=gaps).filter_map(|mark| points.get(mark * last / gaps).cloned()).collect()
}

/// Where values lie in the drawing.
struct Places {
    points: usize,
    series: usize,
    low: i64,
    high: i64,
}

impl Places {
    fn y(&self, value: i64) -> f64 {
        let share = (value - self.low) as f64 / (self.high - self.low) as f64;
        rounded(100.0 - 100.0 * share)
    }

    fn x(&self, at: usize) -> f64 {
        if self.points > 1 { rounded(100.0 * at as f64 / (self.points - 1) as f64) } else { 50.0 }
    }

    /// A line that is interrupted where a value is not known. A value alone is a dot.
    fn path(&self, values: &[Option<i64>]) -> String {
        let mut path = String::new();
        let mut is_open = false;
        for (at, value) in values.iter().take(self.points).enumerate() {
            let Some(value) = value else {
                is_open = false;
                continue;
            };
            let (x, y) = (self.x(at), self.y(*value));
            path.push_str(&if is_open { format!("L{x} {y}") } else { format!("M{x} {y}h0") });
            is_open = true;
        }
        path
    }

    fn dots(&self, values: &[Option<i64>]) -> String {
        let known = |at: usize| values.get(at).copied().flatten();
        let alone = |at: usize| known(at + 1).is_none() && at.checked_sub(1).is_none_or(|before| known(before).is_none());
        let dot = |at: usize| known(at).filter(|_| alone(at)).map(|value| format!("M{} {}h0", self.x(at), self.y(value)));
        (0..self.points).filter_map(dot).collect()
    }

    fn bars(&self, index: usize, values: &[Option<i64>], points: &[String], write: &impl Fn(i64) -> String) -> Vec<Bar> {
        let slot = 100.0 / self.points.max(1) as f64;
        let width = slot * 0.7 / self.series.max(1) as f64;
        let bar = |(at, (point, value)): (usize, (&String, &Option<i64>))| {
            let value = (*value)?;
            let (top, bottom) = (self.y(value.max(0)), self.y(value.min(0)));
            Some(Bar {
                x: rounded(slot * at as f64 + slot * 0.15 + width * index as f64),
                y: top,
                width: rounded(width),
                height: rounded(bottom - top),
                title: format!("{point}: {}", write(value)),
            })
        };
        points.iter().zip(values).enumerate().filter_map(bar).collect()
    }
}

/// Two decimals are enough for a drawing, and keep pages small.
fn rounded(place: f64) -> f64 {
    (place * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{Language, Texts};
    use askama::Template;

    struct TestFrame {
        t: &'static Texts,
    }

    #[derive(Template)]
    #[template(source = r#"{% import "parts/plot.html" as parts %}{% call parts::plot(frame, plot) %}{% endcall %}"#, ext = "html")]
    struct PlotAlone {
        frame: TestFrame,
        plot: Plot,
    }

    fn plot(kind: PlotKind, values: &[Option<i64>]) -> Plot {
        let points = (1..=values.len()).map(|day| format!("day {day}")).collect();
        let series = vec![Series { name: "Orders".into(), values: values.to_vec() }];
        Plot::new(kind, ("Orders", "Day"), points, series, |value| format!("{value} orders"))
    }

    #[test]
    fn the_grid_has_round_numbers_and_zero() {
        for (min, max, expected) in [
            (0, 0, (0, 1, 1)),
            (0, 3, (0, 3, 1)),
            (0, 7, (0, 8, 2)),
            (12, 113, (0, 150, 50)),
            (0, 200, (0, 200, 50)),
            (-30, 90, (-50, 100, 50)),
            (-5, -1, (-6, 0, 2)),
            (0, 10_000_000_000_000_000, (0, 10_000_000_000_000_000, 5_000_000_000_000_000)),
        ] {
            let (low, high, step) = range(min, max);
            assert!(low <= min && high >= max && low % step == 0 && high % step == 0, "{min} to {max}: {low} {high} {step}");
            assert!((high - low) / step <= STEPS + 1, "{min} to {max}: {low} {high} {step}");
            assert_eq!((low, high, step), expected, "{min} to {max}");
        }
    }

    #[test]
    fn a_line_is_interrupted_where_a_value_is_not_known() {
        let plot = plot(PlotKind::Line, &[Some(0), Some(4), None, Some(2), None]);
        assert_eq!(plot.series[0].path, "M0 100h0L25 0M75 50h0");
        assert_eq!(plot.series[0].dots, "M75 50h0");
        assert_eq!(plot.rows[2], ("day 3".to_owned(), vec!["–".to_owned()]));
        assert_eq!(plot.ticks.iter().map(|tick| (tick.y, &*tick.label)).collect::<Vec<_>>()[0], (0.0, "4 orders"));
        assert!(!plot.is_empty() && plot.series[0].bars.is_empty());
    }

    #[test]
    fn bars_stand_on_zero_and_hang_below_it() {
        let plot = plot(PlotKind::Bar, &[Some(10), Some(-10), None]);
        let bars: Vec<_> = plot.series[0].bars.iter().map(|bar| (bar.y, bar.height, &*bar.title)).collect();
        assert_eq!(bars, [(0.0, 50.0, "day 1: 10 orders"), (50.0, 50.0, "day 2: -10 orders")]);
        assert!(plot.series[0].bars.iter().all(|bar| bar.x >= 0.0 && bar.x + bar.width <= 100.0));
        assert_eq!(plot.ticks.iter().filter(|tick| tick.is_zero).count(), 1);
    }

    #[test]
    fn a_few_points_are_named_under_the_drawing() {
        let names = |count: usize| marks(&(1..=count).map(|at| at.to_string()).collect::<Vec<_>>());
        assert_eq!(names(28), ["1", "10", "19", "28"]);
        assert_eq!(names(3), ["1", "2", "3"]);
        assert_eq!(names(1), ["1"]);
        assert!(names(0).is_empty());
    }

    #[test]
    fn the_drawing_has_a_table_of_the_same_numbers_and_no_inline_style() {
        let mut plot = plot(PlotKind::Line, &[Some(3), Some(5)]);
        plot.title = "<Orders>".into();
        let html = PlotAlone { frame: TestFrame { t: Language::German.texts() }, plot }.render().unwrap();
        assert!(html.contains("<details") && html.contains("<th scope=\"row\">day 2</th><td>5 orders</td>"), "{html}");
        assert!(html.contains("d=\"M0 50h0L100 ") && html.contains("aria-label=\"&#60;Orders&#62;\""), "{html}");
        assert!(!html.contains("style=") && !html.contains("<Orders>"), "{html}");
    }

    #[test]
    fn without_values_there_is_nothing_to_draw() {
        assert!(plot(PlotKind::Line, &[]).is_empty() && plot(PlotKind::Bar, &[None]).is_empty());
        assert!(!plot(PlotKind::Bar, &[Some(0)]).is_empty());
    }
}
