//! The command `doubleslit-load`: exactly N of one thing.
//!
//! `doubleslit-load [cpus=0,1] exec 1000` does it and prints the answer, if there is one; `doubleslit-load serve DIRECTORY` waits for such
//! lines on the socket `load.sock` there. See `doubleslit_testbed::load::command` for what it can do.

use std::{env, path::Path, process::ExitCode};

use anyhow::{Result, bail};
use doubleslit_testbed::load::{command::Job, image::Image, serve};

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(answer) => {
            if !answer.is_empty() {
                println!("{answer}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("doubleslit-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<String> {
    match words {
        [] => bail!("usage: doubleslit-load serve DIRECTORY | [cpus=CPU,CPU] COMMAND ARGUMENT…"),
        [serve, directory] if serve == "serve" => serve::serve(Path::new(directory)).map(|()| String::new()),
        words => {
            let job = Job::parse(words.iter().map(String::as_str))?;
            let directory = env::temp_dir();
            let directory = if directory.is_dir() { directory } else { "/".into() };
            let image: &'static Image = Box::leak(Box::new(Image::write(&directory)?));
            let answer = serve::run_on_cpus(&job, image);
            image.remove();
            answer
        }
    }
}
