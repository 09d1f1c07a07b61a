using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Crm.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm;

[TestFixture]
public sealed class RecordIdsTests
{
    [Test]
    public void Should_make_a_valid_id_of_each_kind([Values] CrmObject kind)
    {
        var ids = Enumerable.Range(0, 200).Select(i => RecordIds.For(kind, $"key {i}")).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids, Is.Unique);
            Assert.That(ids, Is.All.Matches<string>(id => id.Length == 18 && id[15..] == SalesforceIds.Suffix(id.AsSpan(0, 15))));
            Assert.That(RecordIds.For(kind, "key 7"), Is.EqualTo(ids[7]), "the same key, the same id");
        }
    }
}
