using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Audit;

/// <summary>What goes out is written by hand, and must be what the contract's serializer writes.</summary>
public class AuditMessageTests
{
    private static readonly byte[] MasterKey = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private static AuditRow Row(int? run, int? epoch) => new()
    {
        LeadId = new Guid("3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c"),
        Seq = 7,
        Id = new Guid("0d4a3f2b-8c1e-4e6b-9a7c-4b5c5d1f2e3a"),
        Run = run,
        Epoch = epoch,
        At = new DateTimeOffset(2026, 3, 1, 12, 30, 15, TimeSpan.Zero).AddMicroseconds(42),
        Actor = "Zoë <\"operator\">",
        Stage = "execution",
        Kind = "completed",
        Payload = [],
        PrevHash = [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
        Hash = [.. Enumerable.Range(32, 32).Select(i => (byte)i)],
    };

    private static string Written(AuditMessage message, AuditIds? ids = null)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
            message.Write(writer, ids ?? new AuditIds());
        return Encoding.UTF8.GetString(body.WrittenSpan);
    }

    [TestCase(null, null)]
    [TestCase(1, null)]
    [TestCase(2, 3)]
    public void Should_be_the_event_of_the_contract(int? run, int? epoch)
    {
        using var cipher = new LeadCipher(MasterKey);
        var row = Row(run, epoch);
        var (key, _) = cipher.NewKey(row.LeadId);
        var fact = new AuditFact("execution", "completed", new JsonObject { ["steps"] = 3, ["note"] = "ü \"<b>\"", ["none"] = null });
        row.Payload = key.Seal(fact.Utf8.Span, row.LeadId);

        var written = Written(new AuditMessage(row, AuditReader.Payload(row, key)));

        Assert.That(written, Is.EqualTo(JsonSerializer.Serialize(AuditReader.Event(row, key), ContractsJson.Default.AuditEvent)));
    }

    [Test]
    public void Should_have_ids_of_their_own_whatever_went_before()
    {
        var ids = new AuditIds();
        var other = Row(2, 3);
        other.LeadId = new Guid("5c3f2b8c-1e0d-4a4e-9a7c-6b5d1f2e3a4b");
        AuditRow[] rows = [Row(null, null), Row(1, null), Row(1, 1), Row(1, 1), Row(2, 3), other, Row(2, 3), Row(2, null), Row(null, null)];

        var together = rows.Select(row => Written(new AuditMessage(row, AuditReader.Payload(row, null)), ids));

        Assert.That(together, Is.EqualTo(rows.Select(row => Written(new AuditMessage(row, AuditReader.Payload(row, null))))));
    }

    [Test]
    public void Should_tell_only_that_it_happened_when_the_key_is_gone() =>
        Assert.That(Written(new AuditMessage(Row(1, 1), AuditReader.Payload(Row(1, 1), null))), Does.Contain("""
            "payload":{"erased":true}
            """));
}
