// logind stands in for systemd-logind on a private bus: just what the kubelet's graceful node shutdown asks of it.
// SIGUSR1 announces a shutdown of the machine, SIGUSR2 calls it off.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

const (
	path  = dbus.ObjectPath("/org/freedesktop/login1")
	login = "org.freedesktop.login1"
	iface = login + ".Manager"
	// Longer than any grace period: with less, the kubelet would write a configuration file for the real logind.
	longestDelay = time.Hour
)

type manager struct {
	// Pipe ends that were sent away: our own copies must live until the message has been written.
	sent chan *os.File
}

// Inhibit gives back a descriptor; the machine may go down when its holder has closed it.
func (m manager) Inhibit(what, who, why, mode string) (dbus.UnixFD, *dbus.Error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	fmt.Println("inhibited by", who)
	m.sent <- writer
	go func() {
		// Ends when the last copy of the other end is closed.
		_, _ = reader.Read(make([]byte, 1))
		fmt.Println("released by", who)
		reader.Close()
	}()
	return dbus.UnixFD(writer.Fd()), nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	bus, err := dbus.ConnectSystemBus()
	check(err)
	sent := make(chan *os.File, 8)
	check(bus.Export(manager{sent}, path, iface))
	delay := uint64(longestDelay / time.Microsecond)
	_, err = prop.Export(bus, path, prop.Map{iface: {"InhibitDelayMaxUSec": {Value: delay}}})
	check(err)
	_, err = bus.RequestName(login, dbus.NameFlagDoNotQueue)
	check(err)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	fmt.Println("serving")
	for {
		select {
		case writer := <-sent:
			// The bus library gives no sign when a reply has left; it takes microseconds.
			time.AfterFunc(time.Second, func() { writer.Close() })
		case received := <-signals:
			isAnnounced := received == syscall.SIGUSR1
			check(bus.Emit(path, iface+".PrepareForShutdown", isAnnounced))
			fmt.Println("shutdown announced:", isAnnounced)
		}
	}
}
