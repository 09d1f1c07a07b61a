using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Audit;

[TestFixture]
public sealed class AuditChainTests
{
    private static readonly DateTimeOffset Now = new DateTimeOffset(2026, 3, 3, 12, 0, 0, TimeSpan.Zero).AddTicks(1234567);
    private LeadSaga saga = null!;
    private List<AuditRow> rows = null!;

    [SetUp]
    public void Append()
    {
        using var cipher = new LeadCipher(new byte[32]);
        var start = new LeadSaga { LeadId = new("11111111-1111-1111-1111-111111111111") };
        (saga, rows) = AuditChain.Append(
            start, [.. Enumerable.Range(0, 5).Select(i => new AuditFact("tool", "completed", new JsonObject { ["n"] = i }))], "worker", cipher.NewKey(start.LeadId).Key, Now);
    }

    [Test]
    public void Should_verify_what_was_appended()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Is.Null);
            Assert.That(rows.Select(r => r.Seq), Is.EqualTo(new[] { 1, 2, 3, 4, 5 }));
            Assert.That(rows.Select(r => r.Id), Is.EqualTo(rows.Select(r => DeterministicId.AuditEvent(saga.LeadId, r.Seq))));
            Assert.That(rows.Select(r => r.At.UtcTicks % 10), Is.All.Zero, "PostgreSQL keeps no more");
        }
    }

    [TestCase("payload")]
    [TestCase("actor")]
    [TestCase("kind")]
    [TestCase("at")]
    [TestCase("epoch")]
    public void Should_notice_an_event_that_was_altered(string what)
    {
        var row = rows[2];
        _ = what switch
        {
            "payload" => row.Payload[^1] ^= 1,
            "actor" => (row.Actor = "nobody").Length,
            "kind" => (row.Kind = "failed").Length,
            "at" => (row.At += TimeSpan.FromMicroseconds(1)).Day,
            _ => (row.Epoch = 7).Value,
        };

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Is.EqualTo("event 3 was altered"));
    }

    [Test]
    public void Should_notice_an_altered_event_whose_hash_was_made_to_fit()
    {
        rows[2].Actor = "nobody";
        rows[2].Hash = AuditChain.Hash(rows[2]);

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Is.EqualTo("event 4 does not follow from the one before it"));
    }

    [Test]
    public void Should_notice_an_event_that_was_dropped()
    {
        rows.RemoveAt(1);

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Does.StartWith("event 2 is missing"));
    }

    [TestCase(1)]
    [TestCase(5)]
    public void Should_notice_that_the_end_was_cut_off(int count)
    {
        rows.RemoveRange(5 - count, count);

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Is.EqualTo($"the lead has 5 events, {5 - count} were found"));
    }

    [Test]
    public void Should_notice_events_that_changed_places()
    {
        (rows[1], rows[2]) = (rows[2], rows[1]);
        (rows[1].Seq, rows[2].Seq) = (2, 3);

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Is.Not.Null);
    }

    [Test]
    public void Should_notice_a_last_event_that_was_replaced_with_all_its_hashes()
    {
        rows[4].Actor = "nobody";
        rows[4].Hash = AuditChain.Hash(rows[4]);

        Assert.That(AuditChain.Verify(rows, saga.AuditSeq, saga.AuditHead), Does.StartWith("the last event"));
    }
}
