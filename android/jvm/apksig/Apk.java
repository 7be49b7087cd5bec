import com.android.apksig.ApkSigner;
import com.android.apksig.ApkVerifier;
import java.io.File;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Signs and verifies APKs with Google's apksig, which is only a library.
 *
 * <pre>
 * java -cp apksig.jar Apk.java sign KEYSTORE PASSWORD ALIAS MIN_SDK IN OUT
 * java -cp apksig.jar Apk.java verify APK
 * </pre>
 */
class Apk {
    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "sign" ->
                sign(args[1], args[2].toCharArray(), args[3], Integer.parseInt(args[4]), new File(args[5]),
                        new File(args[6]));
            case "verify" -> verify(new File(args[1]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void sign(String file, char[] password, String alias, int minSdk, File in, File out)
            throws Exception {
        KeyStore store = KeyStore.getInstance(new File(file), password);
        PrivateKey key = (PrivateKey) store.getKey(alias, password);
        X509Certificate certificate = (X509Certificate) store.getCertificate(alias);
        if (key == null || certificate == null) {
            throw new IllegalArgumentException(file + " has no key " + alias);
        }
        ApkSigner.SignerConfig signer = new ApkSigner.SignerConfig.Builder(alias, key, List.of(certificate)).build();
        new ApkSigner.Builder(List.of(signer))
                .setInputApk(in)
                .setOutputApk(out)
                .setMinSdkVersion(minSdk)
                .setV1SigningEnabled(false) // for Android before 7.0 only
                .setV2SigningEnabled(true)
                .setV3SigningEnabled(true)
                .setV4SigningEnabled(false)
                .setCreatedBy("goldmask")
                .build()
                .sign();
    }

    /** Prints `v2 true`, `v3 true`, `signer SHA256` and `error SENTENCE` lines. */
    private static void verify(File apk) throws Exception {
        ApkVerifier.Result result;
        try {
            result = new ApkVerifier.Builder(apk).build().verify();
        } catch (com.android.apksig.apk.ApkFormatException error) {
            System.out.println("error " + error.getMessage());
            return;
        }
        System.out.println("v2 " + result.isVerifiedUsingV2Scheme());
        System.out.println("v3 " + result.isVerifiedUsingV3Scheme());
        for (X509Certificate certificate : result.getSignerCertificates()) {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            System.out.println("signer " + HexFormat.of().formatHex(digest));
        }
        List<ApkVerifier.IssueWithParams> errors = new ArrayList<>(result.getErrors());
        result.getV2SchemeSigners().forEach(each -> errors.addAll(each.getErrors()));
        result.getV3SchemeSigners().forEach(each -> errors.addAll(each.getErrors()));
        errors.forEach(error -> System.out.println("error " + error));
    }
}
