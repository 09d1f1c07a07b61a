using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Execution;

/// <summary>The ledger as it is stored.</summary>
public sealed class EffectRowsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly PlanStep Step = new() { Id = "upsert_lead", Index = 0, Tool = "upsert_lead", Critical = true, Compensation = Compensation.None, Arguments = new JsonObject() };

    private static readonly StepEffect Sent = new()
    {
        Step = Step,
        EffectKey = "key",
        State = EffectState.Planned,
        Object = CrmObject.Lead,
        RecordId = "00Q1",
        Data = new Dictionary<string, string> { ["accountId"] = "0011" },
        Before = new Dictionary<string, string?> { ["Title"] = null },
        Wrote = new Dictionary<string, string?> { ["Title"] = "CTO" },
        WroteTo = "Lead/00Q1",
    };

    private static readonly StepEffect[] Later =
    [
        Sent with { State = EffectState.Confirmed },
        Sent with { Created = true },
        Sent with { Data = new Dictionary<string, string> { ["accountId"] = "0012" } },
        Sent with { Before = new Dictionary<string, string?> { ["Title"] = "CEO" } },
        Sent with { Wrote = null },
        Sent with { WroteTo = "Contact/0031" },
        Sent with { Warning = "look" },
        Sent with { State = EffectState.Unknown, UnansweredAt = Now },
        Sent with { EffectKey = "other", WroteTo = "Contact/0031" },
    ];

    [Test]
    public void Should_read_back_what_changed_whatever_was_sealed_before([ValueSource(nameof(Later))] StepEffect later)
    {
        using var cipher = new LeadCipher(new byte[32]);
        var work = Work(cipher);
        var seals = new EffectSeals();
        _ = Sent.ToRow(work, 1, Now, seals);

        var read = later.ToRow(work, 1, Now, seals).ToEffect(Step, work);

        Assert.That(Details(read), Is.EqualTo(Details(later)));
    }

    [Test]
    public void Should_seal_once_what_stays_the_same()
    {
        using var cipher = new LeadCipher(new byte[32]);
        var work = Work(cipher);
        var seals = new EffectSeals();

        var (before, after, other) = (Sent.ToRow(work, 1, Now, seals), (Sent with { State = EffectState.Confirmed }).ToRow(work, 1, Now, seals), Sent.ToRow(work, 1, Now, new EffectSeals()));

        Assert.That((after.Sealed!.SequenceEqual(before.Sealed!), other.Sealed!.SequenceEqual(before.Sealed!)), Is.EqualTo((true, false)));
    }

    private static LeadWork Work(LeadCipher cipher)
    {
        var id = new Guid("3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c");
        return new LeadWork { Saga = new LeadSaga { LeadId = id }, Lead = new Lead { LeadId = id, Source = "test", Email = "jane@acme.example", ReceivedAt = Now }, Key = cipher.NewKey(id).Key, RecordKey = "" };
    }

    private static string Details(StepEffect effect) =>
        System.Text.Json.JsonSerializer.Serialize(new { effect.EffectKey, effect.State, effect.Created, effect.Data, effect.Before, effect.Wrote, effect.WroteTo, effect.Warning, effect.UnansweredAt });
}
