using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Audit;

/// <summary>Chains that were written once must verify for ever, so the hash may get cheaper but never another.</summary>
public class AuditHashTests
{
    private static AuditRow Row(string actor = "worker") => new()
    {
        LeadId = new Guid("3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c"),
        Seq = 7,
        Id = new Guid("0d4a3f2b-8c1e-4e6b-9a7c-4b5c5d1f2e3a"),
        Run = 2,
        Epoch = null,
        At = new DateTimeOffset(2026, 3, 1, 13, 30, 15, TimeSpan.FromHours(1)).AddMicroseconds(42),
        Actor = actor,
        Stage = "execution",
        Kind = "completed",
        Payload = [1, 2, 3, 250],
        PrevHash = [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
        Hash = [],
    };

    private static byte[] AsDocumented(AuditRow row)
    {
        var header = "leadauditv1\n3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c\n7\n0d4a3f2b-8c1e-4e6b-9a7c-4b5c5d1f2e3a\n2\n\n2026-03-01T12:30:15.000042Z\n" + row.Actor + "\nexecution\ncompleted\n4\n";
        return SHA256.HashData([.. row.PrevHash, .. Encoding.UTF8.GetBytes(header), .. row.Payload]);
    }

    [TestCase("worker")]
    [TestCase("operator Zoë Müller-Lüdenscheidt 李")]
    public void Should_be_the_documented_one(string actor)
    {
        var row = Row(actor);

        var hash = AuditChain.Hash(row);

        Assert.That(hash, Is.EqualTo(AsDocumented(row)));
    }

    [Test]
    public void Should_take_names_of_any_length()
    {
        var row = Row(new string('ü', 5000));

        var hash = AuditChain.Hash(row);

        Assert.That(hash, Is.EqualTo(AsDocumented(row)));
    }
}
