using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.Saga.Exploration;

/// <summary>A message on its way: a submitted lead, or the order to bring it through a stage.</summary>
public readonly record struct Carried(LeadStage Stage, int Run, int Attempt)
{
    /// <summary>The lead as the door took it.</summary>
    public static readonly Carried Submitted = new(LeadStage.None, 0, 0);

    /// <inheritdoc/>
    public override string ToString() => Stage == LeadStage.None ? "submitted" : $"{Stage} {Run}.{Attempt}";
}

/// <summary>What a worker with a message in hand does next.</summary>
public enum Next
{
    Load,
    Decide,
    GoOn,
    Read,
    OpenEpoch,
    Write,
    EndPlan,
    Send,
    Acknowledge,
}

/// <summary>A worker with a message in hand.</summary>
/// <param name="Message">The message.</param>
/// <param name="Next">What it does next.</param>
/// <param name="Loaded">The lead as it knows it.</param>
/// <param name="Epoch">Its own epoch, once it is open.</param>
/// <param name="Creates">Whether it has found that the CRM is to be written to.</param>
/// <param name="Acknowledged">Whether the broker has forgotten the message already.</param>
public sealed record Hand(Carried Message, Next Next, LeadSaga? Loaded, int Epoch, bool Creates, bool Acknowledged)
{
    /// <summary>The version on record from which <see cref="Loaded"/> was decided and not committed; null: it is as it was loaded.</summary>
    public int? HeldOn { get; init; }

    public string Key => $"{Message}:{Next}:{World.KeyOf(Loaded)}:{Epoch}:{Creates}:{Acknowledged}:{HeldOn}";
}

/// <summary>What the ledger says of the plan's one step.</summary>
public enum Step
{
    Planned,
    Sent,
    Confirmed,
}

/// <summary>
/// All there is: one lead, two workers, the queues, a CRM that makes a record as often as it is told to, and what may still go wrong. Immutable.
/// </summary>
public sealed record World
{
    public static readonly Guid Lead = new("11111111-1111-1111-1111-111111111111");
    public static readonly DateTimeOffset Morning = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The lead as it is committed; null: not yet.</summary>
    public LeadSaga? Saga { get; init; }

    /// <summary>The ledger, committed with it.</summary>
    public Step Ledger { get; init; }

    /// <summary>Records that the CRM has made for the step.</summary>
    public int Records { get; init; }

    /// <summary>Messages that wait, in no order: a broker promises none after a redelivery.</summary>
    public IReadOnlyList<Carried> Queue { get; init; } = [Carried.Submitted];

    /// <summary>The two workers; null: idle.</summary>
    public IReadOnlyList<Hand?> Hands { get; init; } = [null, null];

    /// <summary>The numbers under which the two are alive. A new process has a new one.</summary>
    public IReadOnlyList<int> Ids { get; init; } = [1, 2];

    /// <summary>Whether time has passed far enough for everything that waits.</summary>
    public bool Later { get; init; }

    /// <summary>What may still go wrong.</summary>
    public required Misfortunes Left { get; init; }

    public DateTimeOffset Now => Later ? Morning.AddHours(1) : Morning;

    public Carried? Pending => Saga is null || Saga.Pending == LeadStage.None ? null : new Carried(Saga.Pending, Saga.Run, Saga.Attempt);

    /// <summary>Whether nobody has anything to do any more.</summary>
    public bool IsQuiet => Queue.Count == 0 && Hands.All(h => h is null);

    /// <summary>Equal for equal worlds.</summary>
    public string Key => string.Join('|', KeyOf(Saga), Ledger, Records, string.Join(',', Queue.Select(q => q.ToString()).Order(StringComparer.Ordinal)),
        string.Join(';', Hands.Select(h => h?.Key ?? "-")), string.Join(',', Ids), Later, Left);

    public static string KeyOf(LeadSaga? saga) =>
        saga is null ? "none" : $"{saga.Version}.{saga.Status}.{saga.Pending}.{saga.Attempt}.{saga.Epoch}.{saga.Owner}.{saga.DueAt is not null}";

    public World With(int worker, Hand? hand) => this with { Hands = [.. Hands.Select((h, i) => i == worker ? hand : h)] };

    /// <summary>Puts a message into the queue. More than two of a kind do no more than two.</summary>
    public World Send(Carried message) => Queue.Count(q => q == message) >= 2 ? this : this with { Queue = [.. Queue, message] };

    public World Take(Carried message)
    {
        var left = Queue.ToList();
        _ = left.Remove(message);
        return this with { Queue = left };
    }
}
