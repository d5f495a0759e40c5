package dev.ringback.peers;

import com.eatthepath.pushy.apns.ApnsClient;
import com.eatthepath.pushy.apns.ApnsClientBuilder;
import com.eatthepath.pushy.apns.ApnsPushNotification;
import com.eatthepath.pushy.apns.DeliveryPriority;
import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.PushType;
import com.eatthepath.pushy.apns.auth.ApnsSigningKey;
import com.eatthepath.pushy.apns.util.SimpleApnsPayloadBuilder;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * pushy as a peer. Arguments: port, folder, key id, team id. Each line of input is "&lt;in flight&gt; &lt;milliseconds&gt;"
 * and is answered with "&lt;pushes&gt; &lt;microseconds&gt; &lt;microseconds of processor time&gt;" or "error &lt;what&gt;".
 */
final class Pushy {
  private static final String TOPIC = "com.example.ringback";
  private static final String DEVICE =
      "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
  private static final Instant EXPIRATION = Instant.parse("2030-01-01T00:00:00Z");
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private Pushy() {}

  private static SimpleApnsPushNotification push() {
    String payload = new SimpleApnsPayloadBuilder().setAlertBody("Your call is ready").build();
    return new SimpleApnsPushNotification(
        DEVICE, TOPIC, payload, EXPIRATION, DeliveryPriority.IMMEDIATE, PushType.ALERT, "cb_1", UUID.randomUUID());
  }

  private static String refusal(PushNotificationResponse<? extends ApnsPushNotification> answer) {
    return answer.isAccepted() ? null : answer.getRejectionReason().orElse("refused");
  }

  private static String round(ApnsClient client, int inFlight, long lengthMs) throws Exception {
    String refusedFirst = refusal(client.sendNotification(push()).get());
    if (refusedFirst != null) {
      return "error " + refusedFirst;
    }
    AtomicLong sent = new AtomicLong();
    AtomicReference<String> failure = new AtomicReference<>();
    Semaphore free = new Semaphore(inFlight);
    long start = System.nanoTime();
    long cpuAtStart = SYSTEM.getProcessCpuTime();
    while (System.nanoTime() - start < lengthMs * 1_000_000 && failure.get() == null) {
      free.acquire();
      client
          .sendNotification(push())
          .whenComplete(
              (answer, error) -> {
                String refused = error == null ? refusal(answer) : error.toString();
                if (refused == null) {
                  sent.incrementAndGet();
                } else {
                  failure.set(refused);
                }
                free.release();
              });
    }
    free.acquire(inFlight);
    if (failure.get() != null) {
      return "error " + failure.get();
    }
    long elapsedUs = (System.nanoTime() - start) / 1000;
    long cpuUs = (SYSTEM.getProcessCpuTime() - cpuAtStart) / 1000;
    return sent.get() + " " + elapsedUs + " " + cpuUs;
  }

  public static void main(String[] arguments) throws Exception {
    File folder = new File(arguments[1]);
    ApnsSigningKey key =
        ApnsSigningKey.loadFromPkcs8File(new File(folder, "key.p8"), arguments[3], arguments[2]);
    ApnsClient client =
        new ApnsClientBuilder()
            .setApnsServer("localhost", Integer.parseInt(arguments[0]))
            .setTrustedServerCertificateChain(new File(folder, "ca.pem"))
            .setSigningKey(key)
            .build();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] order = line.split(" ");
      try {
        System.out.println(round(client, Integer.parseInt(order[0]), Long.parseLong(order[1])));
      } catch (ExecutionException lost) {
        System.out.println("error " + lost.getCause().getMessage());
      }
    }
    client.close().get();
  }
}
