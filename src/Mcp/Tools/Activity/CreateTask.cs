namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates a task for the sales team.</summary>
public sealed class CreateTask : TaskTool
{
    /// <inheritdoc/>
    public override string Name => "create_task";

    /// <inheritdoc/>
    public override string Description => "Creates a task tied to the lead, and to an opportunity when there is one.";
}
