using LeadPipeline.TestKit;
using LeadPipeline.Worker.Intake.Webhooks.Deferred;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Events that wait for their leads, when the reader and an operator have one in hand at once.</summary>
public abstract class DeferredEventStoreTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);

    /// <summary>The reader has given it up, and not yet removed it, when somebody replays its dead letter.</summary>
    [Test]
    public async Task Should_keep_an_event_that_came_back_while_it_was_being_given_up()
    {
        var store = new DeferredEventStore(Database.Sql, time);
        await store.KeepAsync([new DeferredEvent("hubspot", new ReferredLead("101", "hubspot/101"), Now, Now, DeferredEvent.NotReadable)], CancellationToken.None);
        var givenUp = (await DueAsync(store)).Single();
        var letter = givenUp.GivenUp("too-old", Now);

        time.Advance(TimeSpan.FromSeconds(1));
        await store.ReturnAsync(letter.Queue, letter.Message, CancellationToken.None);
        await store.PutOffAsync(givenUp, Now.AddDays(1), DeferredEvent.NotReadable, CancellationToken.None);
        await store.RemoveAsync(givenUp, CancellationToken.None);
        var back = await DueAsync(store);
        foreach (var one in back)
            await store.RemoveAsync(one, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(back, Is.EqualTo(new[] { givenUp with { ReceivedAt = Now.AddSeconds(1), DueAt = Now.AddSeconds(1) } }));
            Assert.That(await DueAsync(store), Is.Empty);
        }
    }

    private static Task<List<DeferredEvent>> DueAsync(DeferredEventStore store) => store.DueAsync([], 10, CancellationToken.None);
}
