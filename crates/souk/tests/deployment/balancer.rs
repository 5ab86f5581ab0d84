//! A load balancer in front of the gateways, as an operator would have one: it probes `/readyz`, sends each request to a gateway that
//! is ready, and repeats only what may be repeated.

use crate::installation::Installation;
use axum::{Router, extract::Request, response::IntoResponse as _};
use platform::{
    client::{Client, Remote},
    env::Env,
    http::{Limits, serve},
    shutdown::{self, ShutdownSender},
};
use souk::api_client::Api;
use std::time::Duration;
use tokio::{net::TcpListener, time::Instant};

pub struct Balancer {
    pub api: Api,
    _stop: ShutdownSender,
}

impl Balancer {
    pub async fn start(installation: &Installation) -> Balancer {
        let env = Env::system();
        let gateways = ["gateway-1", "gateway-2"].map(|gateway| installation.address(gateway));
        let (client, remote) = (Client::new(env.clone()), Remote::new(&env, "gateway", &gateways));
        client.register_remote("gateway", remote.clone());
        let (sender, stop) = shutdown::channel();
        env.spawn(remote.probe_until(stop.clone()));
        let forward = move |request: Request| {
            let client = client.clone();
            async move {
                let deadline = Instant::now() + Duration::from_secs(30);
                match client.forward("gateway", request, deadline).await {
                    Ok(answer) => answer,
                    Err(error) => (axum::http::StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
                }
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let ended = async move { stop.requested().await };
        env.spawn(serve(listener, Router::new().fallback(forward), Limits::default(), env.clone(), ended));
        Balancer { api: Api::new(&address), _stop: sender }
    }
}
