using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Saga;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Messaging;

[TestFixture]
public sealed class StageRoomTests
{
    [TestCase("2", "5", 5, TestName = "Should_seat_every_worker_of_the_embedded_queue")]
    [TestCase("4", "3", 4, TestName = "Should_have_the_seats_that_are_configured")]
    [TestCase("0", "5", 0, TestName = "Should_have_no_seat_when_everything_is_to_go_through_the_queue")]
    public async Task Should_have_seats(string handOver, string concurrency, int seats)
    {
        using var folder = new TempFolder();
        await using var host = new CliHost(WorkerApplication.Pipeline(
            new Dictionary<string, string?> { ["Data:Directory"] = folder.Path, ["Messaging:HandOver"] = handOver, ["Messaging:EmbeddedConcurrency"] = concurrency }, quiet: true));
        var room = host.Services.GetRequiredService<StageRoom>();

        Assert.That(Enumerable.Range(0, 10).Count(_ => room.TryEnter(LeadStage.Execution) is not null), Is.EqualTo(seats));
    }
}
