using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>The master key is exchanged under leads that are there.</summary>
public abstract class KeyRewrappingTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly byte[] OldKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)], NewKey = [.. Enumerable.Range(101, 32).Select(i => (byte)i)];

    [Test]
    public async Task Should_read_everything_with_the_new_key_alone_when_it_is_done()
    {
        await using var committer = new LeadCommitter(Database.Sql);
        var leads = Enumerable.Range(0, 5).Select(_ => ALead()).ToList();
        foreach (var lead in leads)
            _ = await committer.CommitAsync(NewLead(lead));
        var failed = new FailedMessage("lead-intake", "JsonException", Now, new QueueMessage("{}"u8.ToArray(), "m-1", null, new Dictionary<string, string>(), "why"));
        await new DeadLetterStore(Database.Sql, Cipher).KeepAsync(failed, CancellationToken.None);
        var edit = (await Editing(Cipher).RequestAsync(failed.Id, new JsonObject { ["email"] = "jane@acme.example" }, "Why.", "ada", CancellationToken.None)).Edit!;
        await Database.ExecuteAsync($"INSERT INTO meta (name, value) VALUES ('master-key', '{Cipher.Fingerprint}'), ('record-key', '{Convert.ToBase64String(Cipher.UseRecordSecret(null, Cipher.Fingerprint))}')");
        using var both = new LeadCipher(NewKey, [OldKey]);
        var rewrapping = new KeyRewrapping(Database.Sql, both);

        var first = await rewrapping.RunAsync(CancellationToken.None);
        var second = await rewrapping.RunAsync(CancellationToken.None);
        using var alone = new LeadCipher(NewKey);
        var keys = await KeysAsync();
        var opened = keys.Select(k => alone.Unwrap(k.Key, k.Lead)).ToList();
        var meta = await Database.TextsAsync("SELECT value FROM meta WHERE name IN ('master-key', 'record-key') ORDER BY name");
        _ = alone.UseRecordSecret(Convert.FromBase64String(meta[1]), meta[0]);
        var letters = new DeadLetterStore(Database.Sql, alone);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo(new RewrapCount(leads.Count + 3, 0, 0)));
            Assert.That(second, Is.EqualTo(new RewrapCount(0, leads.Count + 3, 0)), "interrupted and begun again, it finds what is left");
            Assert.That(opened, Has.Count.EqualTo(leads.Count));
            Assert.That(letters.Message((await letters.FindAsync([failed.Id], CancellationToken.None)).Single())!.MessageId, Is.EqualTo("m-1"));
            Assert.That((await Editing(alone).FindAsync(edit.Id, CancellationToken.None))!.Content!.Reason, Is.EqualTo("Why."));
            Assert.That(meta[0], Is.EqualTo(alone.Fingerprint), "who knows only the old key does not start any more");
            Assert.That(alone.RecordKey("ada@firm.example"), Is.EqualTo(Cipher.RecordKey("ada@firm.example")), "a person stays the same to the CRM");
            Assert.That(() => Cipher.Unwrap(keys[0].Key, keys[0].Lead), Throws.InstanceOf<CryptographicException>(), "the old key is of no use");
        }
    }

    [Test]
    public async Task Should_know_of_every_column_of_bytes_whether_it_holds_a_key()
    {
        // What holds none: it is sealed with a key that stands elsewhere, or it is no secret.
        string[] keyless =
        [
            "leads.body", "leads.audit_head", "lead_runs.snapshot", "lead_runs.answer", "lead_runs.grounding", "lead_runs.plan", "effects.sealed",
            "audit_events.payload", "audit_events.prev_hash", "audit_events.hash", "audit_removals.head", "approvals.sealed", "review_verdicts.corrections",
            "rate_limits.taken",
        ];
        await using var db = Database.Open();

        var columns = db.Model.GetEntityTypes().SelectMany(e => e.GetProperties().Where(p => p.ClrType == typeof(byte[])).Select(p => $"{e.GetTableName()}.{p.GetColumnName()}"));

        Assert.That(columns.Except(keyless), Is.EquivalentTo(KeyRewrapping.Keys.Select(k => $"{k.Table}.{k.Column}")));
    }

    private DeadLetterEditing Editing(LeadCipher cipher) =>
        new(new DeadLetterStore(Database.Sql, cipher), new DeadLetterActs(Database.Sql, cipher, TimeProvider.System), Database.Sql, cipher, TimeProvider.System);

    private async Task<List<(Guid Lead, byte[] Key)>> KeysAsync()
    {
        await using var session = await Database.Sql.OpenReaderAsync(CancellationToken.None);
        return await session.QueryAsync("SELECT id, data_key FROM leads", r => (r.GetGuid(0), (byte[])r.GetValue(1)), CancellationToken.None);
    }
}
