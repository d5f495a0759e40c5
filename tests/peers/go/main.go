// apns2 as a peer. Arguments: port, folder, key id, team id. Each line of input is "<in flight> <milliseconds>" and is
// answered with "<pushes> <microseconds> <microseconds of processor time>" or "error <what>".
// SSL_CERT_FILE names the double's authority.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/token"
)

const (
	topic  = "com.example.ringback"
	device = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
)

var expiration = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func send(client *apns2.Client) error {
	answer, err := client.PushWithContext(context.Background(), &apns2.Notification{
		ApnsID:      uuid(),
		CollapseID:  "cb_1",
		DeviceToken: device,
		Topic:       topic,
		Expiration:  expiration,
		Priority:    apns2.PriorityHigh,
		PushType:    apns2.PushTypeAlert,
		Payload:     map[string]any{"aps": map[string]any{"alert": "Your call is ready"}},
	})
	if err != nil {
		return err
	}
	if !answer.Sent() {
		return fmt.Errorf("%d %s", answer.StatusCode, answer.Reason)
	}
	return nil
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func round(client *apns2.Client, inFlight int, length time.Duration) (string, error) {
	if err := send(client); err != nil {
		return "", err
	}
	start, cpuAtStart := time.Now(), cpu()
	var sent atomic.Int64
	var failure atomic.Value
	var senders sync.WaitGroup
	for range inFlight {
		senders.Go(func() {
			for time.Since(start) < length {
				if err := send(client); err != nil {
					failure.Store(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	senders.Wait()
	if err, failed := failure.Load().(error); failed {
		return "", err
	}
	return fmt.Sprintf("%d %d %d", sent.Load(), time.Since(start).Microseconds(), (cpu() - cpuAtStart).Microseconds()), nil
}

func run(port, folder, keyID, teamID string) error {
	key, err := token.AuthKeyFromFile(folder + "/key.p8")
	if err != nil {
		return err
	}
	client := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: keyID, TeamID: teamID})
	client.Host = "https://localhost:" + port
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var inFlight, ms int
		if _, err := fmt.Sscan(input.Text(), &inFlight, &ms); err != nil {
			return err
		}
		line, err := round(client, inFlight, time.Duration(ms)*time.Millisecond)
		if err != nil {
			line = "error " + err.Error()
		}
		fmt.Println(line)
	}
	return input.Err()
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
