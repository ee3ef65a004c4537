use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use doubleslit_testbed::scrape::{self, Labels, Scrape, Series};
use prost::Message as _;

use super::super::{
    batch::REQUEST_BYTES,
    encode,
    messages::{Attribute, CUMULATIVE, Histogram, HistogramPoint, Metric, Number, Point, Request, Resourced, Value},
    resource::Describer,
};
use crate::{
    counts::snapshot::{Snapshot, Subject},
    export::{
        self, Format, Inputs,
        tests::{inputs, snapshot},
    },
};

const BEGUN: u64 = 1;
const NOW: u64 = 2;

/// The labels of the identity, by the attributes that say the same.
const IDENTITY: [(&str, &str); 6] = [
    ("container.id", "container_id"),
    ("container.name", "container"),
    ("container.runtime.name", "runtime"),
    ("container.image.name", "image"),
    ("k8s.pod.name", "pod"),
    ("k8s.namespace.name", "namespace"),
];

fn requests(inputs: &Inputs) -> Vec<Bytes> {
    let [begun, now] = [BEGUN, NOW].map(|nanoseconds| UNIX_EPOCH + Duration::from_nanos(nanoseconds));
    encode(inputs, &Describer::new(Path::new("/"), &[]), begun, now)
}

/// Every point as a series of Prometheus, and its start time.
fn series(requests: &[Bytes]) -> Vec<(Series, f64, u64)> {
    let request = |request: &Bytes| Request::decode(request.clone()).expect("a request").resourced;
    let resourced = requests.iter().flat_map(request).map(|it| Resourced::decode(it).expect("a resource"));
    let metrics = resourced.flat_map(|it| it.scoped).flat_map(|it| it.items);
    metrics.flat_map(|metric| series_of(Metric::decode(metric).expect("a metric"))).collect()
}

fn series_of(metric: Metric) -> Vec<(Series, f64, u64)> {
    if let Some(histogram) = metric.histogram {
        assert_eq!((&metric.sum, &metric.gauge), (&None, &None));
        return series_of_histogram(&metric.name, histogram);
    }
    let (name, points) = match (metric.sum, metric.gauge) {
        (Some(sum), None) => {
            assert_eq!((sum.temporality, sum.is_monotonic), (CUMULATIVE, true));
            (format!("{}_total", metric.name), sum.points)
        }
        (None, Some(gauge)) => (metric.name, gauge.points),
        neither => panic!("{neither:?}"),
    };
    let points = points.into_iter().map(|point| Point::decode(point).expect("a point"));
    points
        .map(|point| {
            assert_eq!(point.time, NOW);
            let value = match point.value.expect("a number") {
                Number::Real(number) => number,
                Number::Whole(number) => number as f64,
            };
            (
                Series { name: name.clone(), labels: point.attributes.into_iter().map(label).collect() },
                value,
                point.start_time,
            )
        })
        .collect()
}

/// A bound belongs to the bucket below, here as in a scrape.
fn series_of_histogram(name: &str, Histogram { points, temporality }: Histogram) -> Vec<(Series, f64, u64)> {
    assert_eq!(temporality, CUMULATIVE);
    let mut all = Vec::new();
    for point in points {
        let HistogramPoint { start_time, time, count, sum, counts, bounds, attributes } =
            HistogramPoint::decode(point).expect("a point");
        assert_eq!((time, count), (NOW, counts.iter().sum()));
        let labels = attributes.into_iter().map(label).collect();
        let series = scrape::histogram(name, &labels, &counts, &bounds, sum.expect("it is told"));
        all.extend(series.into_iter().map(|(series, value)| (series, value, start_time)));
    }
    all
}

fn label(attribute: Attribute) -> (String, String) {
    let key = String::from_utf8(attribute.key.to_vec()).expect("text");
    let key = IDENTITY.iter().find(|(attribute, _)| *attribute == key).map_or(key, |(_, label)| (*label).to_owned());
    let Some(Value::Text(value)) = attribute.value.and_then(|value| value.value) else { panic!("{key} is no text") };
    (key, String::from_utf8(value.to_vec()).expect("text"))
}

/// A scrape without empty labels, which are the same as none.
fn without_empty(scrape: Scrape) -> Scrape {
    let filled = |labels: Labels| labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let series =
        scrape.0.into_iter().map(|(Series { name, labels }, value)| (Series { name, labels: filled(labels) }, value));
    Scrape(series.collect())
}

#[test]
fn points_say_what_a_scrape_says() {
    let inputs = inputs(snapshot());
    let scrape = without_empty(Scrape::parse(&export::encode(&inputs, Format::Text)));
    let points: BTreeMap<_, _> =
        series(&requests(&inputs)).into_iter().map(|(series, value, _)| (series, value)).collect();
    assert_eq!(Scrape(points), scrape);
}

#[test]
fn sums_begin_with_their_rows() {
    let inputs = inputs(snapshot());
    let nanoseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let created = nanoseconds(inputs.snapshot.subjects[0].created);
    for (Series { name, labels }, _, start) in series(&requests(&inputs)) {
        let expected = match name.as_str() {
            "doubleslit_signal_edges_total" => 0,
            "doubleslit_container_starts_total" | "doubleslit_container_stops_total" => {
                nanoseconds(inputs.snapshot.lifecycles[0].created)
            }
            name if name.starts_with("doubleslit_syscall_latency_seconds") => created,
            name if !name.ends_with("_total") => 0,
            name if inputs.settings.families.iter().any(|family| format!("{}_total", family.name) == name) => created,
            _ => BEGUN,
        };
        assert_eq!(start, expected, "{name} {labels:?}");
    }
}

#[test]
fn many_points_are_several_requests() {
    let mut many = snapshot();
    let one = many.subjects[0].clone();
    many.subjects = (0..20_000)
        .map(|number| {
            let mut labels = one.labels.to_vec();
            labels[3] = format!("{number:064}");
            Subject { labels: labels.into(), ..(*one).clone() }.into()
        })
        .collect();
    let inputs = inputs(Snapshot { ..many });
    let requests = requests(&inputs);
    assert!(requests.len() > 1);
    let longest = requests.iter().map(Bytes::len).max().expect("there are some");
    assert!(longest < REQUEST_BYTES + REQUEST_BYTES / 4, "{longest}");
    let scrape = without_empty(Scrape::parse(&export::encode(&inputs, Format::Text)));
    let points: BTreeMap<_, _> = series(&requests).into_iter().map(|(series, value, _)| (series, value)).collect();
    assert_eq!(points.len(), scrape.0.len());
    assert!(Scrape(points) == scrape, "some points differ");
}
