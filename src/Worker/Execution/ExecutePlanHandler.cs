using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Execution;

/// <summary>
/// Runs a lead's plan. <c>ExecutePlan</c> in; the lead ends <c>Completed</c>, <c>Compensated</c>, <c>NeedsReview</c> or <c>DeadLettered</c>, or waits as <c>Deferred</c>.
/// The order of things is what keeps an effect from happening twice: read and decide, make the epoch durable, write, make the outcome durable.
/// A crash in between leaves rows in state <c>sent</c>, and whoever comes next reads the CRM before it writes.
/// </summary>
public sealed partial class ExecutePlanHandler(ExecutionServices services)
{
    /// <summary>A process that died a moment ago counts as alive until the database has noticed; a message of its may be here sooner.</summary>
    private static readonly TimeSpan[] SecondLooks = [TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(1)];

    private readonly KeyedGate<string> people = new();

    /// <summary>Carries out the command, if it still is to be, and answers another one that has to come first, if any.</summary>
    public async Task<StageCommand?> HandleAsync(StageCommand command, CancellationToken cancellationToken)
    {
        var work = command.Warm ?? await services.Store.LoadAsync(command.LeadId);
        switch (LeadSagaMachine.Receive(work?.Saga, LeadStage.Execution, command.Run, services.Time.GetUtcNow()))
        {
            case SagaDecision.Stale stale:
                Log.Dropped(services.Logger, command.LeadId, stale.Why);
                return null;
            // Its analysis was held and could not be saved.
            case SagaDecision.AlreadyDone { Current: var current }:
                return StageCommand.Pending(current);
        }
        if (work!.Plan is null)
            throw new InvalidOperationException($"Lead {command.LeadId} is ordered to execution but has no plan.");
        if (work.Saga.Owner is { } owner && owner != services.Worker.Id && await IsAtWorkAsync(owner, cancellationToken))
        {
            Log.Dropped(services.Logger, command.LeadId, "another worker is at it");
            return null;
        }
        using var person = await services.Store.WaitAsync(work, people.EnterAsync(work.RecordKey, cancellationToken));
        if (!work.IsLost)
            await new PlanAttempt(services, work).RunAsync(cancellationToken);
        return work.IsLost ? StageCommand.Pending(work.Saga) : null;
    }

    private async Task<bool> IsAtWorkAsync(int owner, CancellationToken cancellationToken)
    {
        foreach (var wait in SecondLooks)
        {
            if (!await services.Worker.IsAliveAsync(owner, cancellationToken))
                return false;
            await Task.Delay(wait, services.Time, cancellationToken);
        }
        return await services.Worker.IsAliveAsync(owner, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(300, LogLevel.Debug, "Execution of lead {LeadId} dropped: {Why}")]
        public static partial void Dropped(ILogger logger, Guid leadId, string why);
    }
}

/// <summary>What running a plan needs.</summary>
/// <param name="Store">Leads.</param>
/// <param name="Executor">The path to the CRM.</param>
/// <param name="Worker">Who we are, and who else lives.</param>
/// <param name="Admission">Limits.</param>
/// <param name="Approvals">What people have approved.</param>
/// <param name="Deferral">How long to wait.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">The log.</param>
public sealed record ExecutionServices(
    LeadStore Store, PlanExecutor Executor, WorkerIdentity Worker, PlanAdmission Admission, ApprovalStore Approvals, IOptions<DeferralOptions> Deferral, TimeProvider Time, ILogger<ExecutePlanHandler> Logger);
