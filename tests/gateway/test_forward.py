"""Objects through our port: what the server behind it does otherwise than S3 is put right."""

from pathlib import Path

from tests.servers import ServerProcess


def test_part_of_an_object_comes_as_a_part_without_the_checksum_of_the_whole(tmp_path: Path) -> None:
    """boto3 sends a checksum with each object, and refuses what does not fit the one that comes back."""
    with ServerProcess(tmp_path) as server:
        s3 = server.boto3("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="key", Body=bytes(range(200)))
        for asked, expected in (("bytes=10-19", range(10, 20)), ("bytes=150-", range(150, 200))):
            answer = s3.get_object(Bucket="bucket", Key="key", Range=asked)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert answer["Body"].read() == bytes(expected)
        whole = s3.get_object(Bucket="bucket", Key="key")
        assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert whole["ChecksumCRC32"]
        assert whole["Body"].read() == bytes(range(200))
