//! X.509 certificates of connected apps: read from PEM, and used to check signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Certificate(Vec<u8>);

impl Certificate {
    /// The first certificate of a PEM file.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn from_pem(text: &str) -> Result<Self, String> {
        let (_, rest) = text.split_once(BEGIN).ok_or_else(|| format!("it has no `{BEGIN}`"))?;
        let (body, _) = rest.split_once(END).ok_or_else(|| format!("it has no `{END}`"))?;
        let base64: String = body.split_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|e| e.to_string())?;
        EndEntityCert::try_from(&CertificateDer::from(der.as_slice())).map_err(|e| e.to_string())?;
        Ok(Self(der))
    }

    /// Whether `signature` is an RS256 signature of `message` by the key of this certificate. Its dates and names do
    /// not matter: it was registered.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let der = CertificateDer::from(self.0.as_slice());
        let verify = |certificate: EndEntityCert<'_>| {
            certificate.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        };
        EndEntityCert::try_from(&der).is_ok_and(verify)
    }
}
