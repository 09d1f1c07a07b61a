using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.Saga.Exploration;

/// <summary>
/// Visits every state that one lead and two workers can come to, step by step in every order, with messages copied, overtaken and lost before their confirm
/// and workers that end between any two steps. The saga's decisions are the product's own; what is written here is what consumers do around them.
/// </summary>
public sealed class Explorer(Rules rules)
{
    private readonly Dictionary<string, (World World, string? From, string How)> seen = [];
    private readonly Dictionary<string, List<string>> before = [];

    /// <summary>States visited.</summary>
    public int States => seen.Count;

    /// <summary>Visits all of them, and tells the first thing that is wrong with its whole story; null: nothing is.</summary>
    public string? Explore(Misfortunes misfortunes)
    {
        var begin = new World { Left = misfortunes };
        var open = new Queue<World>([begin]);
        seen[begin.Key] = (begin, null, "the lead is accepted");
        var ends = new List<string>();
        while (open.TryDequeue(out var world))
        {
            var key = world.Key;
            if (world.Records > 1)
                return Story(key, "the CRM has the effect twice");
            if (world.IsQuiet && world.Saga?.Status == LeadStatus.Completed)
            {
                if (world.Records != 1)
                    return Story(key, $"the lead is completed with {world.Records} effects");
                ends.Add(key);
            }
            foreach (var (next, how) in Steps(world))
            {
                var to = next.Key;
                if (seen.TryAdd(to, (next, key, how)))
                    open.Enqueue(next);
                (before.TryGetValue(to, out var list) ? list : before[to] = []).Add(key);
            }
        }
        return Stuck(ends);
    }

    /// <summary>From wherever things have come to, there must be a way to the end: otherwise the lead is lost.</summary>
    private string? Stuck(List<string> ends)
    {
        var good = new HashSet<string>(ends);
        var open = new Stack<string>(ends);
        while (open.TryPop(out var key))
        {
            foreach (var from in before.GetValueOrDefault(key, []).Where(good.Add))
                open.Push(from);
        }
        return seen.Keys.FirstOrDefault(k => !good.Contains(k)) is { } lost ? Story(lost, "from here the lead never comes to an end") : null;
    }

    private string Story(string key, string what)
    {
        var steps = new List<string>();
        for (string? at = key; at is not null; at = seen[at].From)
            steps.Insert(0, seen[at].How);
        return $"{what}, after: {string.Join("; ", steps)}";
    }

    private IEnumerable<(World World, string How)> Steps(World world)
    {
        for (var i = 0; i < world.Hands.Count; i++)
        {
            foreach (var (next, how) in world.Hands[i] is { } hand ? Work(world, i, hand) : TakeUp(world, i))
                yield return (next, $"worker {world.Ids[i]} {how}");
        }
        foreach (var message in world.Queue.Distinct().Where(_ => world.Left.Copies > 0))
            yield return (world.Send(message) with { Left = world.Left with { Copies = world.Left.Copies - 1 } }, $"{message} is there twice");
        if (!world.Later && world.Saga?.DueAt is not null)
            yield return (world with { Later = true }, "time passes");
        // Once nobody does anything. That it may come sooner is what copies stand for.
        if (rules.Sweeps && world.IsQuiet && world.Pending is { } pending && (world.Saga!.DueAt is null || world.Saga.DueAt <= world.Now))
            yield return (world.Send(pending), $"{pending} is swept up");
        // A deferral without a sweeper would end every lead there is: that much of it stays, so that the other rules can be looked at alone.
        else if (!rules.Sweeps && world.IsQuiet && world.Pending is { } due && world.Saga is { Status: LeadStatus.Deferred } && world.Later)
            yield return (world.Send(due), $"{due} is due");
    }

    private IEnumerable<(World, string)> TakeUp(World world, int worker) => world.Queue.Distinct()
        .Select(m => (world.Take(m).With(worker, new Hand(m, Next.Load, null, 0, false, !rules.AcknowledgesLast)), $"takes {m}"));

    private IEnumerable<(World, string)> Work(World world, int worker, Hand hand)
    {
        if (world.Left.Crashes > 0)
            yield return (Crash(world, worker, hand), $"dies before it can {hand.Next}");
        switch (hand.Next)
        {
            case Next.Load:
                yield return (Judge(world, worker, hand with { Loaded = world.Saga }), "loads the lead");
                break;
            case Next.Decide:
                if (rules.CommitsBeforeSending)
                    yield return (Commit(world, worker, hand), "commits");
                else
                    yield return (SendAhead(world, worker, hand), "sends and has not committed");
                break;
            case Next.GoOn:
                yield return (GoOn(world, worker, hand), "goes on with it and holds its analysis");
                yield return (world.With(worker, hand with { Next = Next.Send }), "has no room for it");
                break;
            case Next.Read:
                // What is held is saved by itself when the CRM takes its time.
                if (hand.HeldOn is not null)
                    yield return (Save(world, worker, hand), "saves what it holds");
                yield return (Read(world, worker, hand), "reads the CRM");
                if (world.Left.Deferrals > 0)
                    yield return (Defer(world, worker, hand), "finds the CRM away");
                break;
            case Next.OpenEpoch:
                yield return (OpenEpoch(world, worker, hand), "opens an epoch");
                break;
            case Next.Write:
                yield return (Write(world, worker, hand), "writes to the CRM");
                break;
            case Next.EndPlan:
                yield return (EndPlan(world, worker, hand), "commits the outcome");
                break;
            case Next.Send:
                var pending = world.Pending;
                yield return (pending is { } next ? world.With(worker, hand with { Next = Next.Acknowledge }).Send(next) : world.With(worker, hand with { Next = Next.Acknowledge }), $"sends {pending?.ToString() ?? "nothing"}");
                // The runner does not wait for a broker that is away: the command is on record.
                if (pending is not null && world.Left.LostSends > 0)
                    yield return (world.With(worker, hand with { Next = Next.Acknowledge }) with { Left = world.Left with { LostSends = world.Left.LostSends - 1 } }, $"cannot send {pending}");
                break;
            case Next.Acknowledge:
                yield return (world.With(worker, null), $"acknowledges {hand.Message}");
                break;
        }
    }

    private static World Crash(World world, int worker, Hand hand)
    {
        var gone = world.With(worker, null) with
        {
            Ids = [.. world.Ids.Select((id, i) => i == worker ? id + 2 : id)],
            Left = world.Left with { Crashes = world.Left.Crashes - 1 },
        };
        return hand.Acknowledged ? gone : gone.Send(hand.Message);
    }

    /// <summary>What a consumer makes of its message.</summary>
    private World Judge(World world, int worker, Hand hand)
    {
        var saga = hand.Loaded;
        if (hand.Message == Carried.Submitted)
            return world.With(worker, hand with { Next = saga is null ? Next.Decide : rules.SendsAgain ? Next.GoOn : Next.Acknowledge });
        switch (LeadSagaMachine.Receive(saga, hand.Message.Stage, hand.Message.Run, world.Now))
        {
            case SagaDecision.Stale:
                return world.With(worker, hand with { Next = Next.Acknowledge });
            case SagaDecision.AlreadyDone:
                return world.With(worker, hand with { Next = rules.SendsAgain ? Next.Send : Next.Acknowledge });
            case var _ when hand.Message.Stage == LeadStage.Analysis:
                return world.With(worker, hand with { Next = Next.Decide });
            default:
                var isAtWork = saga!.Owner is { } owner && owner != world.Ids[worker] && world.Ids.Contains(owner);
                return world.With(worker, hand with { Next = isAtWork && rules.RespectsOwners ? Next.Acknowledge : Next.Read, Epoch = saga.Epoch });
        }
    }

    private World Commit(World world, int worker, Hand hand)
    {
        var (after, _) = Apply(world, hand.Loaded, hand.Message == Carried.Submitted ? new SagaMessage.Accepted(World.Lead) : new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null));
        // Whoever was slower brings forward what is pending all the same.
        return after.With(worker, hand.Message == Carried.Submitted ? hand with { Next = Next.GoOn, Loaded = after.Saga } : hand with { Next = Next.Send });
    }

    /// <summary>The stage after intake in the same process: its end is held until the plan begins.</summary>
    private static World GoOn(World world, int worker, Hand hand)
    {
        if (LeadSagaMachine.Receive(hand.Loaded, LeadStage.Analysis, 1, world.Now) is not SagaDecision.Proceed || hand.Loaded is not { Attempt: 0 })
            return world.With(worker, hand with { Next = Next.Send });
        var ended = (SagaDecision.Proceed)LeadSagaMachine.Decide(hand.Loaded, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), world.Now);
        return world.With(worker, hand with { Next = Next.Read, Epoch = 0, Loaded = ended.Next, HeldOn = hand.Loaded.Version });
    }

    private World Save(World world, int worker, Hand hand) => Rebased(world, hand) is { } saga
        ? (world with { Saga = saga }).With(worker, hand with { Loaded = saga, HeldOn = null })
        : world.With(worker, hand with { Next = Next.Send });

    /// <summary>What is held, on what is on record by now: null when somebody else has done it.</summary>
    private LeadSaga? Rebased(World world, Hand hand) => !rules.ChecksVersions || world.Saga?.Version == hand.HeldOn ? hand.Loaded
        : LeadSagaMachine.Decide(world.Saga, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), World.Morning) is SagaDecision.Proceed proceed ? proceed.Next : null;

    /// <summary>The broken order: the next command is on its way before the commit that it belongs to, which follows in a step of its own.</summary>
    private World SendAhead(World world, int worker, Hand hand)
    {
        var message = hand.Message == Carried.Submitted ? (SagaMessage)new SagaMessage.Accepted(World.Lead) : new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null);
        if (hand.Creates)
            return Apply(world, hand.Loaded, message).World.With(worker, hand with { Next = Next.Acknowledge });
        var ahead = LeadSagaMachine.Decide(hand.Loaded, message, world.Now) is SagaDecision.Proceed { Next: var next } ? new Carried(next.Pending, next.Run, next.Attempt) : world.Pending;
        return (ahead is { } command ? world.Send(command) : world).With(worker, hand with { Creates = true });
    }

    private World Read(World world, int worker, Hand hand)
    {
        // What an open epoch has sent is unknown to whoever did not send it.
        var creates = world.Ledger switch
        {
            Step.Confirmed => false,
            Step.Sent => !rules.ReadsBack || world.Records == 0,
            _ => true,
        };
        return world.With(worker, hand with { Creates = creates, Next = !creates ? Next.EndPlan : rules.OpensEpochFirst ? Next.OpenEpoch : Next.Write });
    }

    private World Defer(World world, int worker, Hand hand)
    {
        var until = World.Morning.AddMinutes(30);
        var (after, took) = Apply(world with { Left = world.Left with { Deferrals = world.Left.Deferrals - 1 } }, hand, new SagaMessage.StageDeferred(1, LeadStage.Execution, until, Failed: true, "crm", hand.Epoch));
        return after.With(worker, hand with { Next = took ? Next.Acknowledge : Slower(hand) });
    }

    private World OpenEpoch(World world, int worker, Hand hand)
    {
        var (after, took) = Apply(world, hand, new SagaMessage.EpochOpened(1, hand.Epoch, world.Ids[worker]));
        return took
            ? (after with { Ledger = Step.Sent }).With(worker, hand with { Next = rules.OpensEpochFirst ? Next.Write : Next.EndPlan, Epoch = after.Saga!.Epoch, Loaded = after.Saga, HeldOn = null })
            : after.With(worker, hand with { Next = Slower(hand) });
    }

    private World Write(World world, int worker, Hand hand) =>
        (world with { Records = world.Records + 1 }).With(worker, hand with { Next = rules.OpensEpochFirst ? Next.EndPlan : Next.OpenEpoch });

    private World EndPlan(World world, int worker, Hand hand)
    {
        var (after, took) = Apply(world, hand, new SagaMessage.PlanEnded(1, hand.Epoch, LeadStatus.Completed, null));
        return (took ? after with { Ledger = Step.Confirmed } : after).With(worker, hand with { Next = took ? Next.Acknowledge : Slower(hand) });
    }

    /// <summary>Who loses what he held begins again with what is on record.</summary>
    private static Next Slower(Hand hand) => hand.HeldOn is null ? Next.Acknowledge : Next.Send;

    /// <summary>A commit that takes along what is held, or does not stand if somebody else has done that.</summary>
    private (World World, bool Took) Apply(World world, Hand hand, SagaMessage message)
    {
        if (hand.HeldOn is null)
            return Apply(world, hand.Loaded, message);
        return Rebased(world, hand) is { } held && LeadSagaMachine.Decide(held, message, World.Morning) is SagaDecision.Proceed proceed
            ? (world with { Saga = proceed.Next with { Version = held.Version } }, true)
            : (world, false);
    }

    /// <summary>A commit: it stands on the version that it was decided on, or is decided anew on what the lead is by now.</summary>
    private (World World, bool Took) Apply(World world, LeadSaga? loaded, SagaMessage message)
    {
        var basis = rules.ChecksVersions ? world.Saga : loaded;
        return LeadSagaMachine.Decide(basis, message, World.Morning) is SagaDecision.Proceed proceed ? (world with { Saga = proceed.Next }, true) : (world, false);
    }
}
