using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.CrashPoints;

[TestFixture]
public sealed class When_two_workers_have_one_lead : StorageFixture<SqliteStorage>
{
    [Test]
    public async Task Should_go_on_with_the_plan_of_the_one_that_was_faster()
    {
        await using var records = new MockCrmStore(Database.Sql, TimeProvider.System);
        var crm = new MockCrm(records, MockFaults.None, () => TimeSpan.Zero, TimeProvider.System);
        var world = new PaperWorld(Database.Sql, crm, Cipher, TimeProvider.System, new MadeRecords(), IsRemote: true, HandOver: 0);
        await using var faster = new PaperWorker(world, new DoomedProcess());
        await faster.HandleAsync(new LeadSubmitted { Lead = JsonSerializer.SerializeToElement(CrashPath.Hot("kim@faster.example")), Door = "api", Trusted = true, AcceptedAt = DateTimeOffset.UtcNow });
        var command = (StageCommand)world.Queue.Dequeue();
        await using var slower = new PaperWorker(world with { HandOver = 1, BeforeTheTurn = () => faster.HandleAsync(command) }, new DoomedProcess());

        await slower.HandleAsync(command);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await db.Leads.SingleAsync(l => l.Id == command.LeadId)).Status, Is.EqualTo("Completed"));
            Assert.That(world.Queue.Count(m => m is StageCommand { Stage: LeadStage.Execution }), Is.EqualTo(1), "the faster one's, and none that was handed back");
        }
    }
}
