using System.Net.Sockets;

namespace LeadPipeline.Integration.Tests.TestKit;

public sealed class WorkerProcessTests
{
    [Test]
    public async Task Should_run_the_worker_that_was_built_with_the_tests()
    {
        await using var worker = WorkerProcess.Start(["--help"]);

        var exitCode = await worker.WaitForExitAsync();

        Assert.That(exitCode, Is.Zero, worker.Transcript());
    }

    [Test]
    public async Task Should_not_wait_for_a_worker_that_has_ended()
    {
        await using var worker = WorkerProcess.Start(["--help"]);

        var failure = Assert.ThrowsAsync<InvalidOperationException>(() => worker.UntilPrintedAsync("a line that is never printed"));

        Assert.That(failure.Message, Does.Contain("ended with exit code 0"));
    }

    [Test]
    public void Should_find_a_port_that_can_be_listened_on()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, WorkerProcess.FreePort());

        Assert.That(listener.Start, Throws.Nothing);
    }
}
