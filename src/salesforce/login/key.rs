//! The private key of a JWT login: read from PEM, and used to sign (RS256).

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

/// An RSA private key of 2048 bits or more.
#[derive(Debug)]
pub struct SigningKey(RsaKeyPair);

/// Why a text is no key that can sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// There is no private key in it.
    #[error("it holds no private key in PEM form (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// It is protected by a passphrase.
    #[error("its private key is encrypted, and there is nobody to ask for the passphrase")]
    Encrypted,
    /// It is a key of another kind.
    #[error("its private key is not an RSA key, and logins are signed with RS256")]
    NotRsa,
    /// It is damaged, or too small.
    #[error("its private key cannot be used: {0}")]
    Unusable(String),
}

impl SigningKey {
    /// Reads the first private key of a PEM file: PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`KeyProblem`], which never repeats what the file holds.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyProblem> {
        let unusable = |e: ring::error::KeyRejected| KeyProblem::Unusable(e.to_string());
        match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs8(der)) => match RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()) {
                Ok(pair) => Ok(Self(pair)),
                Err(e) if e.to_string() == "WrongAlgorithm" => Err(KeyProblem::NotRsa),
                Err(e) => Err(unusable(e)),
            },
            Ok(PrivateKeyDer::Pkcs1(der)) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Self).map_err(unusable)
            }
            Ok(_) => Err(KeyProblem::NotRsa),
            Err(_) if has(pem, b"ENCRYPTED") => Err(KeyProblem::Encrypted),
            Err(_) => Err(KeyProblem::NoKey),
        }
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    ///
    /// # Errors
    /// When the machine has no randomness (it blinds the computation).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyProblem> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyProblem::Unusable("signing failed".into()))?;
        Ok(signature)
    }
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::{KeyProblem, SigningKey};
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    macro_rules! key {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/it/fixtures/keys/", $name))
        };
    }

    #[test]
    fn both_forms_of_one_key_sign_alike() {
        let public: &[u8] = key!("rsa.pub.der");
        let mut signatures = Vec::new();
        for pem in [&key!("rsa.pkcs8.pem")[..], &key!("rsa.pkcs1.pem")[..]] {
            let signature = SigningKey::from_pem(pem).unwrap().sign(b"header.claims").unwrap();
            let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
            assert!(verifier.verify(b"header.claims", &signature).is_ok());
            assert!(verifier.verify(b"header.other", &signature).is_err());
            signatures.push(signature);
        }
        assert_eq!(signatures[0], signatures[1]);
    }

    #[test]
    fn what_is_no_key_for_us() {
        let problem = |pem: &[u8]| SigningKey::from_pem(pem).map(|_| ()).unwrap_err();
        assert_eq!(problem(key!("encrypted.pem")), KeyProblem::Encrypted);
        assert_eq!(problem(key!("ec.pem")), KeyProblem::NotRsa);
        assert_eq!(problem(key!("ec.sec1.pem")), KeyProblem::NotRsa);
        assert!(matches!(problem(key!("rsa.1024.pem")), KeyProblem::Unusable(_)));
        for text in ["", "not a key", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(problem(text.as_bytes()), KeyProblem::NoKey, "{text}");
        }
    }
}
