//! TLS to a PostgreSQL server, as `sslmode` of libpq: `require` encrypts and `verify-full` also checks who answers.

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How connections are encrypted.
#[derive(Clone)]
pub(super) struct Tls(Option<MakeRustlsConnect>);

impl Tls {
    pub fn none() -> Tls {
        Tls(None)
    }

    /// Encrypted, whoever answers.
    pub fn encrypted() -> Tls {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(AnyServer(provider.clone()));
        let config = builder(provider).dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Tls(Some(MakeRustlsConnect::new(config)))
    }

    /// Encrypted to a server whose certificate is of an authority in the PEM file `roots`, and for the host of the address.
    pub fn verified(roots: Option<&str>) -> Result<Tls, String> {
        let Some(file) = roots else { return Err("sslmode=verify-full needs sslrootcert=FILE, the certificates of the authority".into()) };
        let mut store = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| format!("sslrootcert={file} cannot be read: {error}"))?;
        for certificate in certificates {
            let added = certificate.map_err(|error| error.to_string()).and_then(|der| store.add(der).map_err(|error| error.to_string()));
            added.map_err(|error| format!("sslrootcert={file} holds no usable certificate: {error}"))?;
        }
        let config = builder(Arc::new(ring::default_provider())).with_root_certificates(store).with_no_client_auth();
        Ok(Tls(Some(MakeRustlsConnect::new(config))))
    }

    pub fn connector(&self) -> Option<MakeRustlsConnect> {
        self.0.clone()
    }
}

fn builder(provider: Arc<CryptoProvider>) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("ring has the default protocol versions")
}

/// Accepts the certificate of any server, as libpq does without `verify-ca` and `verify-full`.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
