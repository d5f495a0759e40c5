package dev.ringback.pushy;

import com.eatthepath.pushy.apns.auth.ApnsVerificationKey;
import com.eatthepath.pushy.apns.server.MockApnsServer;
import com.eatthepath.pushy.apns.server.MockApnsServerBuilder;
import com.eatthepath.pushy.apns.server.PushNotificationHandler;
import com.eatthepath.pushy.apns.server.PushNotificationHandlerFactory;
import com.eatthepath.pushy.apns.server.RejectedNotificationException;
import com.eatthepath.pushy.apns.server.RejectionReason;
import com.eatthepath.pushy.apns.server.ValidatingPushNotificationHandlerFactory;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Pushy's mock of APNs with one known device and one that is gone.
 *
 * <p>Prints its port and runs until its standard input ends. Pushy's own checks do the work; they read a signature as
 * DER only, which is not what RFC 7518 says, so a token of the right form is rewritten for them.
 */
public final class MockApns {
    /** Three parts of base64url without padding. */
    private static final Pattern JWS = Pattern.compile("bearer ([\\w-]+\\.[\\w-]+)\\.([\\w-]+)");

    private MockApns() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            given.put(arguments[i], arguments[i + 1]);
        }
        ApnsVerificationKey key =
                ApnsVerificationKey.loadFromPkcs8File(
                        new File(given.get("--public-key")), given.get("--team-id"), given.get("--key-id"));
        Set<String> devices = Set.of(given.get("--device"), given.get("--gone"));
        PushNotificationHandlerFactory stock =
                new ValidatingPushNotificationHandlerFactory(
                        Map.of(given.get("--topic"), devices),
                        Map.of(given.get("--gone"), Instant.parse(given.get("--gone-since"))),
                        Map.of(key.getKeyId(), key),
                        Map.of(key, Set.of(given.get("--topic"))));
        MockApnsServer server =
                new MockApnsServerBuilder()
                        .setServerCredentials(
                                new File(given.get("--certificate")), new File(given.get("--certificate-key")), null)
                        .setHandlerFactory(session -> withPlainSignatures(stock.buildHandler(session)))
                        .build();
        System.out.println(server.start(0).get());
        while (System.in.read() >= 0) {
            // Until the test closes it, or dies.
        }
        server.shutdown().get();
    }

    private static PushNotificationHandler withPlainSignatures(PushNotificationHandler stock) {
        return (headers, payload) -> {
            rewriteSignature(headers);
            stock.handlePushNotification(headers, payload);
        };
    }

    private static void rewriteSignature(Http2Headers headers) throws RejectedNotificationException {
        CharSequence authorization = headers.get("authorization");
        var jws = JWS.matcher(authorization == null ? "" : authorization);
        if (!jws.matches()) {
            throw new RejectedNotificationException(RejectionReason.INVALID_PROVIDER_TOKEN);
        }
        byte[] signature = Base64.getUrlDecoder().decode(jws.group(2));
        if (signature.length != 64) {
            throw new RejectedNotificationException(RejectionReason.INVALID_PROVIDER_TOKEN);
        }
        String der = Base64.getUrlEncoder().withoutPadding().encodeToString(toDer(signature));
        headers.set("authorization", "bearer " + jws.group(1) + "." + der);
    }

    /** The two numbers of a signature, side by side, as ASN.1: SEQUENCE of two INTEGER. */
    private static byte[] toDer(byte[] signature) {
        byte[] r = new BigInteger(1, Arrays.copyOfRange(signature, 0, 32)).toByteArray();
        byte[] s = new BigInteger(1, Arrays.copyOfRange(signature, 32, 64)).toByteArray();
        var der = new ByteArrayOutputStream();
        der.write(0x30);
        der.write(4 + r.length + s.length);
        for (byte[] number : new byte[][] {r, s}) {
            der.write(0x02);
            der.write(number.length);
            der.writeBytes(number);
        }
        return der.toByteArray();
    }
}
