using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>Undoing where no other lead works with the same records.</summary>
internal static class UndoAlone
{
    public static Task<PlanOutcome> UndoAsync(this PlanExecutor executor, PlanRun run, CancellationToken cancellationToken) =>
        executor.UndoAsync(run, _ => Task.FromResult<IReadOnlySet<string>>(new HashSet<string>()), cancellationToken);
}
